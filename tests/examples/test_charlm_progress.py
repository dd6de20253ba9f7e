"""What is shown while a cell is trained."""

import io
import math

from rich.console import Console

from examples.charlm.progress import progress
from examples.charlm.train import Settings

SETTINGS = Settings(cell="gru", updates=50)


def shown(console: Console, done: int) -> str:
    """What is written for the updates from some number to the last, each with a loss of one bit."""
    with progress(console, SETTINGS, done) as report:
        for update in range(done + 1, SETTINGS.updates + 1):
            report(update, math.log(2))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_gets_a_bar() -> None:
    """On a terminal a bar ends at the last update."""
    written = shown(Console(file=io.StringIO(), force_terminal=True, width=100), done=0)
    assert "━" in written
    assert "50/50" in written
    assert "1.000 bits in training" in written


def test_a_file_gets_plain_lines() -> None:
    """Elsewhere there is a plain line for each tenth of the run that is still to do."""
    written = shown(Console(file=io.StringIO(), force_terminal=False), done=20)
    assert written.splitlines() == [
        f"gru: update {update} of 50, 1.000 bits in training" for update in range(25, 51, 5)
    ]
