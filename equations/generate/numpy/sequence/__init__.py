"""Functions over a sequence: the statements of a layout as text."""
