"""What became of past forecasts: kept, matured, compared."""
