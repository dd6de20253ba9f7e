"""Work of many pieces on all cores, with a live line while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from typing import Any, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from verify.cli.console import console
from verify.suite import STAGES, Finding, run_stage
from verify.target import find

Results = dict[tuple[str, str], list[Finding]]
Key = TypeVar("Key", bound=Hashable)
Piece = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function of a module, and its arguments."""


def run(targets: list[str], *, quick: bool, seed: int, form: str = "numpy") -> Results:
    """All stages of all cells, on all cores; a live line on standard error says how far it is."""
    names = {target: find(target).name for target in targets}
    # The later stages take longer; begun first, they leave no core without work at the end.
    pieces: dict[tuple[str, str], Piece] = {
        (target, stage): (_stage, (target, stage, quick, seed, form))
        for stage in reversed(tuple(STAGES))
        for target in targets
    }
    results: Results = {}
    with progress() as live:
        task = live.add_task("starting", total=len(pieces))
        for job, findings in parallel(pieces):
            results[job] = findings
            failed = sum(not finding.passed for result in results.values() for finding in result)
            note = f", {failed} FAILED" if failed else ""
            target, stage = job
            live.update(task, advance=1, description=f"{names[target]}: {stage}{note}")
    return results


def parallel(pieces: Mapping[Key, Piece]) -> Iterator[tuple[Key, Any]]:
    """The results of pieces of work by their keys, as each is done."""
    # One thread per process: the matrices are small, and threads would take turns.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    workers = min(os.cpu_count() or 1, len(pieces))
    with ProcessPoolExecutor(workers, mp_context=_context()) as pool:
        futures = {
            pool.submit(function, *arguments): key for key, (function, arguments) in pieces.items()
        }
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _context() -> BaseContext:
    """Processes that share their imports where the system can fork; else each has its own."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["verify.suite"])
    return context


def _stage(target: str, stage: str, quick: bool, seed: int, form: str) -> list[Finding]:  # noqa: FBT001 - pickled
    return list(run_stage(target, stage, quick=quick, seed=seed, form=form))


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
