"""The compiled form: the functions over a sequence with their whole loop in numba's code."""
