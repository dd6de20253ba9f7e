"""Generation of NumPy modules: which equations (plan), in which order (schedule), as which text."""
