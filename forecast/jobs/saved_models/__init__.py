"""Models on disk: what they learned, as data."""
