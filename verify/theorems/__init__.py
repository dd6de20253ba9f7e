"""Theorems about a cell: proved by a solver for all real inputs at every size, and evaluated.

from verify.theorems.check import check_theorems
"""
