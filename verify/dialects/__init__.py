"""The dialects of recurrent cells: `dialects["torch.GRU"]` is a record that packs and unpacks.

Each module in `records/` holds the dialects of some frameworks; a new one is one record there.
"""

import sys

from verify.dialects.registry import Registry

# As with `equations.cells`: this module is the mapping itself.
sys.modules[__name__].__class__ = Registry
