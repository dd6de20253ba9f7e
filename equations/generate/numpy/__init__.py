"""The NumPy form: what a module is made of, and its functions of a step and over a sequence."""
