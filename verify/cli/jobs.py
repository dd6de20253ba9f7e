"""Work of many pieces on all cores, with a live line while it runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from verify.cli import workers
from verify.cli.console import console
from verify.suite import STAGES, Finding, run_stage
from verify.target import find

Results = dict[tuple[str, str], list[Finding]]
Key = TypeVar("Key", bound=Hashable)
Piece = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function of a module, and its arguments."""


def run(targets: list[str], *, quick: bool, seed: int, form: str = "numpy") -> Results:
    """All stages of all cells, on all cores; a live line on standard error says how far it is."""
    found = {target: find(target) for target in targets}
    pieces: dict[tuple[str, tuple[str, ...]], Piece] = {
        (target, stages): (_stages, (target, stages, quick, seed, form))
        for stages in _together(len(targets))
        for target in sorted(found, key=lambda name: -len(found[name].program.equations))
    }
    results: Results = {}
    with progress() as live:
        task = live.add_task("starting", total=len(targets) * len(STAGES))
        for (target, stages), findings in parallel(pieces):
            results |= {(target, stage): findings[stage] for stage in stages}
            failed = sum(finding.failed for result in results.values() for finding in result)
            note = f", {failed} FAILED" if failed else ""
            said = f"{found[target].name}: {', '.join(stages)}{note}"
            live.update(task, advance=len(stages), description=said)
    return results


def _together(cells: int) -> list[tuple[str, ...]]:
    """The stages that are one piece of work.

    Those of a cell share what is derived; of few cells, each stage is a piece, so that no core is
    without work. What takes longest, the later stages of large cells, is begun first.
    """
    late_first: tuple[str, ...] = tuple(reversed(tuple(STAGES)))
    return [late_first] if cells > 2 * workers.count() else [(stage,) for stage in late_first]


def parallel(pieces: Mapping[Key, Piece]) -> Iterator[tuple[Key, Any]]:
    """The results of pieces of work by their keys, as each is done."""
    number = min(workers.count(), len(pieces))
    with ProcessPoolExecutor(
        number, mp_context=workers.context(), initializer=workers.settle
    ) as pool:
        futures = {
            pool.submit(function, *arguments): key for key, (function, arguments) in pieces.items()
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _stages(
    target: str,
    stages: tuple[str, ...],
    quick: bool,  # noqa: FBT001 - pickled
    seed: int,
    form: str,
) -> dict[str, list[Finding]]:
    return {
        stage: list(run_stage(target, stage, quick=quick, seed=seed, form=form)) for stage in stages
    }


def progress() -> Progress:
    """A live line on standard error, where that is a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
        disable=not console(stderr=True).is_terminal,
    )
