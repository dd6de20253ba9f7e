"""What the tests of frameworks share: cases, solved once, and skips that say what is missing."""

from __future__ import annotations

import pytest

from verify.dialects.record import Dialect
from verify.frameworks import subjects
from verify.frameworks.compare import Case, solved
from verify.frameworks.network import Network
from verify.frameworks.result import Outcome, Result

CASES = [
    pytest.param(framework, dialect, network, id=f"{dialect.name}-{network}")
    for framework, dialect in subjects()
    for network in framework.networks(dialect)
]

_solved: dict[tuple[str, Network], Case] = {}


def cached(dialect: Dialect, network: Network) -> Case:
    """The solution for a record, which is the same in all tests."""
    key = (dialect.name, network)
    if key not in _solved:
        _solved[key] = solved(dialect, network)
    return _solved[key]


def outcome(result: Result) -> Outcome:
    """What a result says; a framework that is not installed skips the test."""
    if result.outcome == "skipped":
        pytest.skip(result.detail)
    return result.outcome
