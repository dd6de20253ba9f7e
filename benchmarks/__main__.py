"""`python -m benchmarks`, on one thread unless the environment says otherwise."""

from __future__ import annotations

import os

from benchmarks.threads import environment, threads

# Libraries read these when they are loaded, so they are set before any of them is.
os.environ.update(environment(threads()))

from benchmarks.cli import main

if __name__ == "__main__":
    main()
