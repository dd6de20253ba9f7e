"""A pytest plugin: a project verifies cells of its own with one line of configuration.

    [tool.pytest.ini_options]
    gateproof_cells = ["my_cell.py"]

Each file is collected as one test for every kind of evidence. SymPy is imported when such a test
runs, not before.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import cast

import pytest

STAGES = ("code", "proof", "boundaries", "theorems", "routes")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting and the option."""
    parser.addini(
        "gateproof_cells",
        "Python files that define cells, to be verified by gateproof.",
        type="paths",
        default=[],
    )
    parser.addoption(
        "--gateproof-quick",
        action="store_true",
        help="Verify the cells of gateproof_cells with the quick form of every check.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Have the files collected even where no test path leads to them, unless tests are named.

    Raises:
        pytest.UsageError: one of them does not exist.
    """
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        return
    for path in config.getini("gateproof_cells"):
        if not path.is_file():
            raise pytest.UsageError(f"gateproof_cells: expected a Python file, got {path}")
        if str(path) not in config.args:
            config.args.append(str(path))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Collect the files that the setting names, as cells and not as Python tests."""
    collected = yield
    named = {Path(path).resolve() for path in parent.config.getini("gateproof_cells")}
    if file_path.resolve() not in named:
        return collected
    return [CellFile.from_parent(parent, path=file_path)]


class CellFile(pytest.File):
    """A file with a definition, as a test for each kind of evidence."""

    broken = False
    """Whether a test has failed because the definition is wrong; the others need not repeat it."""

    def collect(self) -> Iterator[CellItem]:
        """One item a stage."""
        for stage in STAGES:
            yield CellItem.from_parent(self, name=stage)


class CellFailure(Exception):  # noqa: N818 - not an error of ours: the cell's
    """A claim about a cell that does not hold."""


class CellItem(pytest.Item):
    """One kind of evidence about one cell."""

    @property
    def file(self) -> CellFile:
        """The file it is about."""
        return cast("CellFile", self.parent)

    def runtest(self) -> None:
        """Run the stage; the first findings that fail are the message."""
        from equations.language import LanguageError  # noqa: PLC0415 - SymPy only when it is used
        from verify.evidence.record import QUICK  # noqa: PLC0415
        from verify.suite import run_stage  # noqa: PLC0415

        quick = bool(self.config.getoption("--gateproof-quick"))
        try:
            findings = list(run_stage(str(self.path), self.name, quick=quick, seed=0))
        except LanguageError as error:
            if self.file.broken:
                pytest.skip("the definition is wrong, as another test says")
            self.file.broken = True
            raise CellFailure(str(error)) from error
        failed = [finding for finding in findings if finding.failed]
        if failed:
            raise CellFailure("\n".join(str(finding) for finding in failed[:10]))
        open_ = [f for f in findings if not f.passed and f.detail != QUICK]
        if open_:
            pytest.skip(f"{len(open_)} of {len(findings)} claims: {open_[0].detail}")

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: str | None = None
    ) -> str:
        """Show what failed without a traceback through gateproof."""
        if isinstance(excinfo.value, CellFailure):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, style="short" if style is None else style))  # type: ignore[arg-type]

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the item comes from."""
        return self.path, 0, f"gateproof {self.name} of {self.path.name}"
