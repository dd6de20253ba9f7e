"""The page of the dialects is current, and its recipes do what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_records import random_params

import verify
from verify.dialects.convert import convert
from verify.dialects.equivalence import choice
from verify.dialects.layout import DialectError
from verify.dialects.recipe import recipe
from verify.dialects.record import Dialect
from verify.report.dialects import page, recipes

PAGE = Path(__file__).parents[2] / "reports" / "dialects.md"
RECIPES = [(one.name, other.name) for _, one, other, _ in recipes()]


def always(source: Dialect, target: Dialect) -> bool:
    """Whether there is a conversion for all weights, into arrays with a place for everything."""
    made = choice(source.cell, target.cell)
    return made is not None and not made.conditions and not target.fixed


ALWAYS = [
    (one.name, other.name)
    for one in verify.dialects.values()
    for other in verify.dialects.values()
    if one.cell.split("_")[0] == other.cell.split("_")[0] and always(one, other)
]


def test_the_page_is_current() -> None:
    """Word for word."""
    assert PAGE.read_text(encoding="utf-8") == page(), "run gateproof report"


@pytest.mark.parametrize(("source", "target"), RECIPES)
def test_a_recipe_of_the_page_does_what_convert_does(source: str, target: str) -> None:
    """Run as it is printed, and it is on the page."""
    lines = recipe(verify.dialects[source], verify.dialects[target])
    assert lines in PAGE.read_text(encoding="utf-8")
    assert_same(source, target)


def test_a_recipe_of_any_pair_does_what_convert_does() -> None:
    """Every tenth of all pairs that can be converted: the lines are made, not written."""
    for source, target in ALWAYS[::10]:
        assert_same(source, target)


def assert_same(source: str, target: str) -> None:
    """Bit for bit, or within a rounding where something is added and taken off again."""
    one, other = verify.dialects[source], verify.dialects[target]
    arrays = random_arrays(one)
    made: dict[str, Any] = {}
    exec(recipe(one, other), {"np": np, "a": arrays, "b": made})  # noqa: S102 - lines of our own
    expected = convert(arrays, one, other).arrays
    assert list(made) == list(expected)
    for name, array in expected.items():
        assert made[name].shape == array.shape, (source, target, name)
        if one.added or other.added:
            np.testing.assert_allclose(made[name], array, rtol=0, atol=1e-15)
        else:
            np.testing.assert_array_equal(made[name], array, err_msg=f"{source} {target} {name}")


def random_arrays(record: Dialect) -> dict[str, Any]:
    """All arrays random, so that numbers which are added up are both there."""
    rng = np.random.default_rng(7)
    return {k: rng.normal(size=v.shape) for k, v in record.pack(random_params(record)).items()}


def test_no_recipe_is_made_where_there_is_no_conversion() -> None:
    """Nor where it depends on the weights."""
    for source, target in (("haiku.GRU", "torch.GRU"), ("greff.LSTM", "keras.LSTM")):
        with pytest.raises(DialectError, match="no conversion for all weights"):
            recipe(verify.dialects[source], verify.dialects[target])
