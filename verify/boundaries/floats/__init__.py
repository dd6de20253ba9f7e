"""Statements about the generated NumPy code, in float32 and float64."""
