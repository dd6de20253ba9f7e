"""`python -m benchmarks`, on one thread."""

from __future__ import annotations

import os

# Libraries read these when they are loaded, so they are set before any of them is.
os.environ.update(
    OPENBLAS_NUM_THREADS="1",
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
)

from benchmarks.cli import main

main()
