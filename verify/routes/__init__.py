"""The routes: one module each, found here by the `ROUTE` it defines.

A route is asked to compare a subject with what it holds to be right, at a case. Routes that judge
element by element against the definition differentiate it by different means; what they share is
the interpreter that evaluates it and `definition`, which moves its arguments.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from verify.routes.route import Route


def routes() -> Iterator[Route]:
    """All routes, in the order of the names of their modules."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        route = getattr(importlib.import_module(f"{__name__}.{module.name}"), "ROUTE", None)
        if route is not None:
            yield route
