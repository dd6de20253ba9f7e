"""Derivation: programs to programs. Normal form, reverse mode, forward mode, Jacobian, sequence."""
