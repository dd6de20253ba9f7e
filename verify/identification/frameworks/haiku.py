"""Functions that Haiku has transformed, with their parameters: `transform(f)` of `f(x, state)`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from verify import dialects
from verify.dialects import files
from verify.dialects.arrays import flattened
from verify.dialects.layout import DialectError
from verify.extras import extra
from verify.identification.frameworks.jax import of_cell
from verify.identification.target import Arrays, Target


def of_transformed(pure: Any, weights: Mapping[str, Any] | None) -> Target:  # noqa: ANN401 - haiku.Transformed
    """A step with the parameters it is given; what it returns ends in the new state.

    Raises:
        DialectError: it has no parameters, or cannot be called as `f(x, state)`.
    """
    library = extra("haiku")
    if not weights:
        raise DialectError(
            "a function of haiku holds no parameters itself: give them (weights=..., or "
            "--weights FILE)"
        )
    arrays = {name: np.asarray(value) for name, value in flattened(weights).items()}
    prefix = _prefix(arrays)
    random = (None,) if "rng" in inspect.signature(pure.apply).parameters else ()

    def apply(given: Arrays, carry: Any, x: Any) -> Any:  # noqa: ANN401
        tree: dict[str, dict[str, Any]] = {}
        for path, array in given.items():
            module, _, name = f"{prefix}{path}".rpartition("/")
            tree.setdefault(module, {})[name] = array
        state = library.LSTMState(*carry) if isinstance(carry, tuple) else carry
        return pure.apply(tree, *random, x, state)

    named = {name.removeprefix(prefix): array for name, array in arrays.items()}
    return of_cell("haiku function", named, apply, None)


def _prefix(arrays: Arrays) -> str:
    """The name of the one core whose parameters these are, as far as a record knows them."""
    for record in dialects.values():
        if record.base.startswith("haiku."):
            for start in files.prefixes(arrays, record):
                if all(name.startswith(start) for name in arrays):
                    return start
    return ""
