"""Output folders that are whole or absent, and forecasts on disk."""
