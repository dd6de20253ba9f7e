"""What a generated sequence does only at length: blocks, some steps at a time, segments."""

from __future__ import annotations

import inspect
from types import ModuleType

import pytest

from equations import cells
from equations.generated import gru
from verify.evidence.case import Kind, make_case
from verify.evidence.run import check
from verify.evidence.subject import generated
from verify.routes.laws import ROUTE

CELL = cells["gru"]
KINDS: tuple[Kind, ...] = ("ordinary", "long")
CASES = {kind: make_case(CELL, kind) for kind in KINDS}
MISTAKES = {
    "blocks of columns in the wrong places": ("swapaxes(2, 3))", "swapaxes(2, 3)[:, ::-1])"),
    "the first steps for those of every chunk": ("[start:stop]", "[: stop - start]"),
    "nothing handed on beyond the second segment": (
        "d[-1:] += carried",
        "d[-1:] += carried if k < 2 else 0",
    ),
}


def changed(right: str, wrong: str) -> ModuleType:
    """The generated module with a mistake."""
    text = inspect.getsource(gru)
    assert right in text
    module = ModuleType("changed")
    exec(text.replace(right, wrong), module.__dict__)  # noqa: S102 - our own file
    return module


def seen(module: ModuleType, kind: Kind) -> bool:
    """Whether the laws notice."""
    records = check(ROUTE, generated(module, CELL), CASES[kind])
    return any(not record.passed for record in records)


def test_a_long_case_is_cut_in_all_three_ways() -> None:
    """More than one block, chunk and segment."""
    sizes = CASES["long"].sizes
    assert gru._columns(CASES["long"].point["U_h"], 1, sizes["B"]).shape[1] > 1
    assert gru._chunk(sizes["T"], sizes["B"] * 5 * sizes["n_h"]) < sizes["T"]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_of_length_are_seen_there_alone(mistake: str) -> None:
    """The small cases are blind to them; the long one is not."""
    module = changed(*MISTAKES[mistake])
    assert seen(module, "long")
    assert not seen(module, "ordinary")


def test_the_right_code_passes() -> None:
    """A case that refused everything would be no evidence."""
    assert not seen(gru, "long")
