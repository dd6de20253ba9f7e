"""The forms in which the functions of a cell are generated."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from equations.cell import Cell
from equations.generate.files import GENERATED
from equations.generate.numba import module as numba_module
from equations.generate.numpy import module

OWN = frozenset({"numpy", *sys.stdlib_module_names})


@dataclass(frozen=True)
class Target:
    """A form of the generated modules.

    Args:
        text: makes the text of a module from a cell, and the file of a cell of the user's.
        package: where the modules of the known cells are.
        imports: what a module may import.
        imports_text: the same in words.
        needs: the packages a module cannot do without.
    """

    text: Callable[[Cell, str], str]
    package: str
    imports: frozenset[str]
    imports_text: str
    needs: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the package."""
        return GENERATED.joinpath(*self.package.split(".")[2:])

    @property
    def missing(self) -> tuple[str, ...]:
        """Those needed packages that are not installed."""
        return tuple(name for name in self.needs if find_spec(name) is None)


TARGETS: Mapping[str, Target] = {
    "numpy": Target(
        module.module_text, "equations.generated", OWN, "NumPy and the standard library"
    ),
    "numba": Target(
        numba_module.module_text,
        "equations.generated.numba",
        OWN | {"equations", "numba"},
        "NumPy, numba, the standard library and the NumPy module",
        ("numba", "scipy"),
    ),
}

AS_PRINTED = replace(TARGETS["numpy"], text=partial(module.module_text, exact=False))
"""NumPy by the equations as they are printed, which have no digit left where a gate saturates."""
