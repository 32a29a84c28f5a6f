"""A run as a plan of steps, a store of their results, and what executes them."""
