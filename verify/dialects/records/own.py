"""The generated cells themselves: an array for each parameter, named as in the equations."""

from __future__ import annotations

from equations import cells
from equations.variation import options
from verify.dialects.record import Dialect

RECORDS = tuple(
    Dialect(
        f"gateproof.{name}",
        name,
        {str(symbol): str(symbol) for symbol in cells[name].parameters},
        tuple(str(symbol) for symbol in cells[name].states),
        "run",
        f"equations/cells/{name}.py",
        settings={option: option for option in options(cells[name])},
    )
    for name in cells
    if cells[name].states and all(1 <= len(s.axes) <= 2 for s in cells[name].parameters)
)
