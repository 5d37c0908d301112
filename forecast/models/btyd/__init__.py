"""Buy-till-you-die: purchase processes times spend, with levers, seasons and groups."""
