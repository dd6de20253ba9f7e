"""Programs alone: which equations each function needs, exact, and what of them has to wait."""
