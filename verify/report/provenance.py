"""Where a measured number is from: command, machine, and the versions of what it rests on."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import numpy as np

ALWAYS = ("gateproof", "sympy", "numpy", "autograd", "mpmath")


def versions(others: Iterable[str] = ()) -> dict[str, str]:
    """Python, what every measurement rests on, and what this one took besides.

    Args:
        others: names of packages that need not be there.
    """
    numbers = {name: version(name) for name in ALWAYS}
    return {"python": platform.python_version()} | numbers | {name: _of(name) for name in others}


def _of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def machine() -> str:
    """The processor and system, as far as they are known."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    parts = (platform.machine(), platform.system(), f"{blas['name']} {blas['version']}")
    return ", ".join(part for part in parts if part)


def provenance(command: str, others: Iterable[str] = ()) -> str:
    """The line at the head of a page: what was run, where, and with what."""
    numbers = ", ".join(f"{name} {number}" for name, number in versions(others).items())
    return f"Command: `{command}`. Machine: {machine()}. {numbers}."
