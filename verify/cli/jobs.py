"""The stages of many cells on all cores, with a live line while they run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from verify.cli.console import console
from verify.suite import STAGES, Finding, run_stage
from verify.target import find

Results = dict[tuple[str, str], list[Finding]]


def run(targets: list[str], *, quick: bool, seed: int) -> Results:
    """All stages of all cells, on all cores; a live line on standard error says how far it is."""
    jobs = [(target, stage) for target in targets for stage in STAGES]
    names = {target: find(target).name for target in targets}
    results: Results = {}
    with progress_bar() as progress:
        task = progress.add_task("starting", total=len(jobs))
        for job, findings in _parallel(jobs, quick=quick, seed=seed):
            results[job] = findings
            failed = sum(not finding.passed for result in results.values() for finding in result)
            note = f", {failed} FAILED" if failed else ""
            target, stage = job
            progress.update(task, advance=1, description=f"{names[target]}: {stage}{note}")
    return results


def _parallel(
    jobs: list[tuple[str, str]], *, quick: bool, seed: int
) -> Iterator[tuple[tuple[str, str], list[Finding]]]:
    # One thread per process: the matrices are small, and threads would take turns.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    workers = min(os.cpu_count() or 1, len(jobs))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(_job, *job, quick, seed): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _job(target: str, stage: str, quick: bool, seed: int) -> list[Finding]:  # noqa: FBT001 - pickled
    return list(run_stage(target, stage, quick=quick, seed=seed))


def progress_bar() -> Progress:
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
