"""Models that learn from past windows: features on a past day, purchases after it."""
