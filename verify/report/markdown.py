"""Markdown as text: headings, tables, folded parts. Nothing here knows a cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar inside a cell is escaped."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def folded(summary: str, body: str) -> str:
    """A part that opens on a click."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def document(parts: Iterable[str]) -> str:
    """Parts with an empty line between them, and one newline at the end."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
