"""Kinds of numbers for the interpreter, one module each; each states its own textbook formulas."""
