"""Customers still to come: acquisitions times a newcomer curve."""
