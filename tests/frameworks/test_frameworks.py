"""Every layer of every framework that a record describes, beside the equations the record names."""

from __future__ import annotations

import pytest
from support import CASES, cached, outcome

from verify import dialects
from verify.dialects.record import Dialect
from verify.frameworks import frameworks, subjects
from verify.frameworks.framework import Framework
from verify.frameworks.network import Network
from verify.frameworks.result import result

pytestmark = pytest.mark.filterwarnings("ignore")  # those of frameworks are for their users


@pytest.mark.parametrize(("framework", "dialect", "network"), CASES)
def test_a_layer_has_the_equations_and_arrays_of_its_record(
    framework: Framework, dialect: Dialect, network: Network
) -> None:
    """Values and every gradient the framework has, within the bound on rounding; none undecided."""
    assert outcome(result(framework, dialect, network, cached(dialect, network))) == "agrees"


def test_what_is_said_to_be_run_is_run_here() -> None:
    """No record says so that is not compared above, and none that is says less."""
    run = {dialect.name for _, dialect in subjects()}
    for name, dialect in dialects.items():
        if not name.startswith("gateproof."):
            assert (dialect.evidence == "run") == (name in run), name


def test_a_framework_has_a_record_at_least() -> None:
    """No name of one is misspelled."""
    assert {framework.name for framework, _ in subjects()} == {f.name for f in frameworks()}
