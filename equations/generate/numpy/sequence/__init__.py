"""Functions over a sequence: which equations are computed together, where values lie, the text."""
