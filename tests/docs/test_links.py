"""Links between documents, and the files that documents speak of, exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("*/README.md"))]
FOLDERS = ("equations/", "verify/", "tests/", "docs/", "examples/", "reports/", ".ci/")

every_document = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
)


def prose(document: Path) -> str:
    """The text without fenced blocks."""
    text = document.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


@every_document
def test_relative_links_lead_somewhere(document: Path) -> None:
    """Files of the repository, and headings in them."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if "://" in target:
            continue
        file, _, heading = target.partition("#")
        path = (document.parent / file) if file else document
        assert path.exists(), target
        if heading:
            assert heading in headings(path), target


def headings(document: Path) -> set[str]:
    """The names that code-hosting sites give to headings."""
    found = re.findall(r"^#+ (.*)$", prose(document), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


@every_document
def test_files_that_are_named_exist(document: Path) -> None:
    """Paths between backticks."""
    for name in re.findall(r"`([\w./-]+)`", prose(document)):
        if name.startswith(FOLDERS):
            assert (ROOT / name).exists(), name


def test_there_are_links() -> None:
    """So that the tests above look at something."""
    assert len(re.findall(r"\]\((?!http)", "".join(map(prose, DOCUMENTS)))) > 3
