"""How a job runs: locked, in stages, published whole or not at all."""
