"""Everybody's purchases and value as seasonal time series."""
