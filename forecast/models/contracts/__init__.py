"""Contracts that are renewed or end."""
