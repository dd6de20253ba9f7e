"""NumPy cells, generated from the definitions in `equations.cells`; they import NumPy alone."""
