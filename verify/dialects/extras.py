"""Packages that only some users have."""

from __future__ import annotations

import importlib
from types import ModuleType

from verify.dialects.layout import DialectError


class MissingError(DialectError):
    """A package that an extra brings is not installed; the text says how to get it."""


def needed(module: str, extra: str) -> ModuleType:
    """A module of an extra.

    Raises:
        MissingError: it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingError(
            f'{error.name} is not installed: pip install "gateproof[{extra}]"'
        ) from error
