"""The ensemble: many models in one forecast, weighed on past origins."""
