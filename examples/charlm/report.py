"""What a run found: records, a table of them, and the JSON that other programs read."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from examples.charlm.errors import InputError
from examples.charlm.gradient import DirectionCheck, Verdict
from examples.charlm.text import Corpus
from examples.charlm.train import Settings

SCHEMA = "gateproof character model"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class NGramResult:
    """What was found of one n-gram model.

    Attributes:
        context: How many characters it sees.
        strengths: Its smoothing, chosen on the training part, for contexts of 0, 1, ... characters.
        bits_per_character: Its score on the held-out part.
    """

    context: int
    strengths: tuple[float, ...]
    bits_per_character: float


@dataclass(frozen=True)
class CellResult:
    """What was found of one trained cell.

    Attributes:
        settings: How it was trained.
        parameters: How many numbers were learned.
        bits_per_character: Its score on the held-out part.
        seconds: How long the training took; a resumed run counts from where it was resumed.
        checks: Whether the gradient at the trained point is right.
        verses: Samples.
    """

    settings: Settings
    parameters: int
    bits_per_character: float
    seconds: float
    checks: tuple[DirectionCheck, ...]
    verses: tuple[str, ...]

    def count(self, verdict: Verdict) -> int:
        """How many directions ended in a verdict."""
        return sum(check.verdict is verdict for check in self.checks)


def print_text(console: Console, corpus: Corpus) -> None:
    """Print what the models learn from and what they are scored on."""
    console.print(
        f"{len(corpus.training)} characters to learn from, {len(corpus.vocabulary.characters)}"
        f" of them distinct; {len(corpus.heldout)} held out, {unseen(corpus)} of them never seen",
        soft_wrap=True,
        highlight=False,
    )


def print_scores(
    console: Console, ngrams: Sequence[NGramResult], cells: Sequence[CellResult]
) -> None:
    """Print every model with its score on the held-out text."""
    table = Table(
        title="Held-out bits per character",
        title_justify="left",
        box=box.SIMPLE_HEAD if console.is_terminal else None,
    )
    table.add_column("model")
    table.add_column("bits", justify="right")
    table.add_column("how", overflow="fold")
    for ngram in ngrams:
        how = f"{characters(ngram.context)} of context"
        table.add_row("n-gram", f"{ngram.bits_per_character:.3f}", how)
    for cell in cells:
        how = (
            f"{cell.settings.hidden} units, {cell.parameters} parameters,"
            f" {cell.settings.updates} updates, {cell.seconds:.0f} s"
        )
        table.add_row(cell.settings.cell, f"{cell.bits_per_character:.3f}", how)
    console.print(table)


def print_checks(console: Console, cell: CellResult) -> None:
    """Print whether the gradient is right, and every direction where that is not settled."""
    agreed = cell.count(Verdict.AGREES)
    console.print(
        f"{cell.settings.cell}: gradient at the trained point: {agreed} of {len(cell.checks)}"
        " directions agree with central differences and leave a Taylor remainder of order 2",
        soft_wrap=True,
        highlight=False,
    )
    for check in cell.checks:
        if check.verdict is not Verdict.AGREES:
            console.print(
                f"  {check.name}: {check.verdict}: derivative {check.derivative:.9e},"
                f" differences {check.quotient:.9e} ± {check.uncertainty:.1e},"
                f" order {check.order:.2f}",
                soft_wrap=True,
                highlight=False,
            )


def print_verses(console: Console, cell: CellResult, temperature: float) -> None:
    """Print the samples of a cell."""
    if cell.verses:
        console.print(f"\n{cell.settings.cell}, sampled at temperature {temperature:g}:")
    for verse in cell.verses:
        # As Text, since a verse may contain what Rich would read as markup.
        console.print(Text(f"  {verse}"), soft_wrap=True)


def characters(count: int) -> str:
    """A number of characters in words."""
    return f"{count} character" if count == 1 else f"{count} characters"


def unseen(corpus: Corpus) -> int:
    """How many held-out characters the training part lacks."""
    return int((corpus.heldout == corpus.vocabulary.unknown).sum())


def as_json(
    corpus: Corpus,
    ngrams: Sequence[NGramResult],
    cells: Sequence[CellResult],
    temperature: float,
) -> dict[str, Any]:
    """All results as JSON values."""
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "text": {
            "sha256": corpus.digest,
            "training_characters": len(corpus.training),
            "heldout_characters": len(corpus.heldout),
            "vocabulary": corpus.vocabulary.characters,
            "unseen_heldout_characters": unseen(corpus),
        },
        "temperature": temperature,
        "ngrams": [asdict(ngram) for ngram in ngrams],
        "cells": [
            asdict(cell) | {"checks": list(map(check_as_json, cell.checks))} for cell in cells
        ],
    }


def check_as_json(check: DirectionCheck) -> dict[str, Any]:
    """One direction as JSON values; what is not a finite number becomes null."""
    values = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(check).items()
    }
    return values | {"verdict": check.verdict.value}


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Write results to a file.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot write the results: {error.strerror}") from error
