"""Packages that a user may have: each belongs to an extra, and is imported where it is needed."""

from __future__ import annotations

import importlib
from typing import Any

EXTRAS = {
    "flint": ("python-flint", "precision"),
    "matplotlib": ("matplotlib", "plots"),
    "torch": ("torch", "torch"),
    "jax": ("jax", "jax"),
    "flax": ("flax", "jax"),
    "haiku": ("dm-haiku", "jax"),
    "equinox": ("equinox", "jax"),
    "keras": ("keras", "keras"),
    "onnx": ("onnx", "onnx"),
    "onnxruntime": ("onnxruntime", "onnx"),
    "safetensors": ("safetensors", "safetensors"),
    "h5py": ("h5py", "keras"),
}
"""By module: the package, and the extra that installs it."""


class MissingExtraError(Exception):
    """A package of an extra is not installed; the message says what to install."""


def extra(module: str, name: str = "") -> Any:  # noqa: ANN401 - packages without types
    """A module of an optional package.

    Args:
        module: its name.
        name: the extra it is wanted for, where that is not the package's own.

    Raises:
        MissingExtraError: it is not installed.
    """
    package, own = EXTRAS[module.partition(".")[0]]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f'{package} is not installed: pip install "gateproof[{name or own}]"'
        raise MissingExtraError(message) from error
