"""From a definition of a recurrent cell to its printed and generated equations.

`equations.cells` maps names to symbolic cells; `equations.generated` holds the NumPy cells.
Nothing is imported here, so that a generated cell loads NumPy and nothing else.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equations.registry import Registry

    cells: Registry
