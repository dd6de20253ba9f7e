"""Evidence that equations and code are right: routes, boundaries, verdicts, reports.

`verify.dialects` maps the names of frameworks' cells to records that pack and unpack their weights;
`verify.identify` says which of them a piece of code is. Nothing is imported here until it is asked
for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verify.dialects.registry import Registry
    from verify.identification import identify as identify

    dialects: Registry

PUBLIC = ("dialects",)
FUNCTIONS = {"identify": "verify.identification"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - modules and functions
    """Import what is asked for by its name."""
    if name in PUBLIC:
        return importlib.import_module(f"verify.{name}")
    if name in FUNCTIONS:
        return getattr(importlib.import_module(FUNCTIONS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
