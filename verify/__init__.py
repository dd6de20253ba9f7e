"""Evidence that equations and code are right: routes, boundaries, verdicts, reports.

`verify.dialects` maps the names of frameworks' cells to records that pack and unpack their weights.
Nothing is imported here until it is asked for.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.dialects.registry import Registry

    dialects: Registry

PUBLIC = ("dialects",)


def __getattr__(name: str) -> ModuleType:
    """Import what is asked for by its name."""
    if name in PUBLIC:
        return importlib.import_module(f"verify.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
