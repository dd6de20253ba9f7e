"""The cells: one file per cell, found here by its name. `cells["gru"]` is the symbolic `Cell`."""

import sys

from equations.registry import Registry

# `from equations import cells` gives this module, and `cells["gru"]` is how a cell is asked for.
sys.modules[__name__].__class__ = Registry
