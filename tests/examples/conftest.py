"""What the tests of the character model share: a short text and settings that train in a second."""

import sys
from pathlib import Path

import pytest

# The examples run from the root of the repository; they are not installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

from examples.charlm.model import CELLS
from examples.charlm.text import Corpus
from examples.charlm.train import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def genesis() -> str:
    """The whole text."""
    return (ROOT / "examples" / "genesis.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def passage(genesis: str) -> str:
    """Its first chapters."""
    return genesis[:20_000]


@pytest.fixture(scope="session")
def corpus(passage: str) -> Corpus:
    """The first chapters as numbers."""
    return Corpus.from_text(passage)


@pytest.fixture(params=sorted(CELLS))
def settings(request: pytest.FixtureRequest) -> Settings:
    """A short run of each cell."""
    return Settings(cell=request.param, hidden=16, streams=8, steps=16, updates=200)
