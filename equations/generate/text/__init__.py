"""Equations as Python text: source lines, expressions, contractions, statements."""
