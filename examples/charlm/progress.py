"""What is shown while a cell is trained."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from examples.charlm.train import Settings

Report: TypeAlias = Callable[[int, float], None]

# The loss of one window is noise; what is shown is a mean that forgets at this rate.
MEMORY = 0.95


@contextmanager
def progress(console: Console, settings: Settings, done: int) -> Iterator[Report]:
    """Show the progress of a training run.

    Args:
        console: Where to show it: as a bar on a terminal, as a line now and then elsewhere.
        settings: The settings of the run.
        done: How many updates were made before.

    Yields:
        A function to call after each update with its number and its loss in nats.
    """
    mean = math.nan

    def smooth(loss: float) -> str:
        nonlocal mean
        bits = loss / math.log(2)
        mean = bits if math.isnan(mean) else MEMORY * mean + (1 - MEMORY) * bits
        return f"{mean:.3f} bits in training"

    def print_line(update: int, loss: float) -> None:
        shown = smooth(loss)
        if update * 10 % settings.updates < 10:
            console.print(
                f"{settings.cell}: update {update} of {settings.updates}, {shown}",
                highlight=False,
            )

    if not console.is_terminal:
        yield print_line
        return

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[bits]}"),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        task = bar.add_task(settings.cell, total=settings.updates, completed=done, bits="")

        def move_bar(update: int, loss: float) -> None:
            bar.update(task, completed=update, bits=smooth(loss))

        yield move_bar
