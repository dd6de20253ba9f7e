"""Processes that share the work: as many as there are cores, and their imports are made once."""

from __future__ import annotations

import gc
import os
from multiprocessing import forkserver, get_all_start_methods, get_context
from multiprocessing.context import BaseContext

CAN_FORK = "forkserver" in get_all_start_methods()


def count() -> int:
    """How many there are."""
    return os.cpu_count() or 1


def context() -> BaseContext:
    """How they are started: where the system can fork, from one process with the imports made."""
    # One thread per process: the matrices are small, and threads would take turns.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    if not CAN_FORK:
        return get_context("spawn")
    chosen = get_context("forkserver")
    chosen.set_forkserver_preload(["verify.suite"])
    return chosen


def begin() -> None:
    """Let the imports begin, which take a second, while this process makes its own."""
    context()
    if CAN_FORK:
        forkserver.ensure_running()


def settle() -> None:
    """What each of them does first.

    Expressions refer to their parts and not back, so there is little garbage in cycles, and looking
    for it as often as Python does takes a twentieth of the time.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
