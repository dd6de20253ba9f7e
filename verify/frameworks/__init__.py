"""Real frameworks beside the equations of their dialects: as oracles, and as what is examined.

Each module here that has `FRAMEWORKS` knows how to run the layers of some; which layers there are
is told by the records of `verify.dialects`. A framework is imported when one of its layers is run.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from verify import dialects
from verify.dialects.record import Dialect
from verify.frameworks.framework import Framework


def frameworks() -> Iterator[Framework]:
    """All frameworks, in the order of the names of their modules."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        yield from getattr(importlib.import_module(f"{__name__}.{module.name}"), "FRAMEWORKS", ())


SEEN = {"clip": "0.5", "slope": "0.3", "offset": "0.4"}
"""Numbers at which a setting is seen to act: half of all pre-activations are beyond the clip."""


def subjects() -> Iterator[tuple[Framework, Dialect]]:
    """Every dialect of every framework, and once more with all of its settings."""
    for framework in frameworks():
        for dialect in dialects.values():
            if dialect.base.rpartition(".")[0] == framework.name:
                yield framework, dialect
                if dialect.settings:
                    yield (
                        framework,
                        dialect.set({own: SEEN[inner] for own, inner in dialect.settings.items()}),
                    )
