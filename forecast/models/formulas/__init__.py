"""Marketing's LTV formulas, as printed values and as models of a window."""
