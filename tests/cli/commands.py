"""Running the command line: in this process, or as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from verify.cli import run

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str


def started(*arguments: str, module: str = "verify", folder: Path = ROOT, **extra: str) -> Done:
    """The command in a process of its own, with extra variables in its environment."""
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **extra}
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=folder,
        env=environment,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Here:
    """Runs commands in this process."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Done:
        """One command."""
        status = run(arguments)
        out, err = self.capture.readouterr()
        return Done(status, out, err)


def assert_refused(done: Done, *words: str) -> None:
    """Exit status 2, nothing on standard output, and one line of standard error with the words."""
    assert done.status == 2
    assert done.out == ""
    assert done.err.startswith("gateproof: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    for word in words:
        assert word in done.err
