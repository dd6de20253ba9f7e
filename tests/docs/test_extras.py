"""Every extra that a text or an error names is one that can be installed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from verify.extras import EXTRAS

ROOT = Path(__file__).parents[2]
FOLDERS = ("equations", "verify", "examples", "benchmarks", "docs", "tests")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
KNOWN = PROJECT["optional-dependencies"]


def named() -> Iterator[tuple[str, str]]:
    """The extras that files name, in words and in calls, with the file."""
    files = [ROOT / "README.md", ROOT / "pyproject.toml"]
    files += [path for folder in FOLDERS for path in ROOT.joinpath(folder).rglob("*.*")]
    for path in files:
        if path.suffix in (".py", ".md", ".toml"):
            text = path.read_text(encoding="utf-8")
            lists = re.findall(r"gateproof\[([a-z,]+)\]", text)
            lists += re.findall(r'needed\("[\w.]+", "(\w+)"\)', text)
            yield from ((extra, str(path)) for names in lists for extra in names.split(","))
    yield from ((extra, "verify.extras") for _, extra in EXTRAS.values())


def test_extras_that_are_named_exist() -> None:
    found = set(named())
    assert len({extra for extra, _ in found}) > 5
    assert [pair for pair in sorted(found) if pair[0] not in KNOWN] == []


def test_all_is_all_of_them() -> None:
    """But what the project itself is tested and worked on with."""
    (everything,) = KNOWN["all"]
    own = {"all", "test", "dev"}
    assert set(everything.partition("[")[2].rstrip("]").split(",")) == set(KNOWN) - own
