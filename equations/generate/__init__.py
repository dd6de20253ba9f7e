"""Generation: which equations (planning), as which text (text), in which form (numpy, numba)."""
