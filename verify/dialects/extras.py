"""Packages that only some users have."""

from __future__ import annotations

import importlib
from types import ModuleType

from verify.dialects.layout import DialectError


def needed(module: str, extra: str) -> ModuleType:
    """A module of an extra.

    Raises:
        DialectError: it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise DialectError(
            f'{error.name} is not installed: pip install "gateproof[{extra}]"'
        ) from error
