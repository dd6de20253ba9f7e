"""Where text goes: UTF-8 where the terminal can, ASCII otherwise; colour only on a terminal."""

from __future__ import annotations

import sys
import unicodedata
from typing import Literal

from rich.console import Console

Form = Literal["unicode", "ascii"]


def open_console() -> None:
    """Let output that an encoding cannot hold be replaced rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def form(*, ascii_only: bool) -> Form:
    """The form of equations that standard output can hold."""
    encoding = (getattr(sys.stdout, "encoding", "") or "ascii").lower().replace("-", "")
    return "ascii" if ascii_only or not encoding.startswith("utf") else "unicode"


def console(*, ascii_only: bool = False, stderr: bool = False) -> Console:
    """A console of rich; results go to standard output, progress to standard error."""
    made = Console(stderr=stderr, highlight=False, safe_box=ascii_only)
    if not made.is_terminal:
        made.width = 120  # a file has no edge to wrap at
    return made


def plain(text: str, *, ascii_only: bool) -> str:
    """The text, in seven bits where asked for."""
    if form(ascii_only=ascii_only) == "unicode":
        return text
    table = {"∘": "*", "Σ": "sum", "σ": "sigmoid", "δ": "d", "Γ": "Gamma_", "β": "beta", "≤": "<="}
    text = "".join(table.get(letter, letter) for letter in text)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
