"""How many threads a process computes with: it is told by its environment before it starts."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

_VARIABLE = "OPENBLAS_NUM_THREADS"


def environment(threads: int) -> dict[str, str]:
    """What libraries read when they are loaded."""
    one = "--xla_cpu_multi_thread_eigen=false"
    names = (_VARIABLE, "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return dict.fromkeys(names, str(threads)) | {"XLA_FLAGS": one if threads == 1 else ""}


def threads() -> int:
    """The threads of this process; one, unless its environment says otherwise."""
    return int(os.environ.get(_VARIABLE, "1"))


def process(count: int) -> ProcessPoolExecutor:
    """A process of its own that computes with so many threads."""
    context = multiprocessing.get_context("spawn")
    before = dict(os.environ)
    os.environ.update(environment(count))
    try:
        pool = ProcessPoolExecutor(1, context, _limited, (count,))
        pool.submit(threads).result()  # it is started now, in this environment
    finally:
        os.environ.clear()
        os.environ.update(before)
    return pool


def _limited(count: int) -> None:
    """Let several threads run on as many processors: jax cannot be told their number otherwise."""
    if count > 1 and sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def clock() -> Callable[[], float]:
    """Processor time, so that other programs count for less; of several threads the time itself."""
    return time.process_time if threads() == 1 else time.perf_counter
