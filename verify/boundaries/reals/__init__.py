"""Statements over the real numbers: proofs, limits, counterexamples in many digits."""
