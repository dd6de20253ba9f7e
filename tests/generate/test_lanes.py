"""Values that are computed together lie side by side, if their wishes can be granted together."""

from __future__ import annotations

import pytest

from equations.generate.numpy.sequence.calls import Calls
from equations.generate.planning.lanes import Lanes
from equations.language import TensorSymbol, tanh
from equations.order import Order

a, b, c, d, e, f = (TensorSymbol(name, ("n",)) for name in "abcdef")


def slots(lanes: Lanes, symbol: TensorSymbol) -> str:
    return " ".join("/".join(map(str, slot)) for slot in lanes.home(symbol))


def test_a_wish_orders_all_of_its_columns_alike() -> None:
    lanes = Lanes([a, b, c, d, e, f])
    assert lanes.accept([(b, a, c), (e, f, d)])
    assert [lanes.place(s) for s in (a, b, c)] == [lanes.place(s) for s in (f, e, d)]


def test_wishes_that_overlap_are_granted_in_one_order() -> None:
    lanes = Lanes([a, b, c, d])
    assert lanes.accept([(a, c)])
    assert lanes.accept([(b, c, d)])
    assert slots(lanes, c) in ("a c b d", "a c d b", "b d c a", "d b c a")


def test_a_wish_that_no_order_grants_is_refused_and_changes_nothing() -> None:
    lanes = Lanes([a, b, c, d])
    assert lanes.accept([(a, b)])
    assert lanes.accept([(b, c)])
    before = slots(lanes, a)
    assert not lanes.accept([(b, d)])
    assert slots(lanes, a) == before


def test_what_is_given_from_outside_has_no_place() -> None:
    assert not Lanes([a]).accept([(a, b)])


def test_a_longer_wish_takes_the_place_of_a_shorter() -> None:
    lanes = Lanes([a, b, c])
    assert lanes.accept([(a, c)])
    assert lanes.accept([(a, c, b)], instead=[(a, c)])
    assert lanes.accept([(a, b)])
    assert lanes.accept([(b, c)])


def test_a_value_may_take_the_place_of_another() -> None:
    lanes = Lanes([a, b, c])
    assert lanes.alias([(b, a)])
    assert slots(lanes, a) == "a/b"
    assert lanes.alias([(c, b)])
    assert slots(lanes, c) == "a/b/c"


def test_parts_of_one_array_keep_the_order_of_their_counterparts() -> None:
    """(c, d) is computed from (a, b), and then all four are read as one."""
    lanes = Lanes([b, a, c, d])
    assert lanes.accept([(c, d), (a, b)])
    assert lanes.accept([(c, a, d, b)])
    assert len(lanes.home(a)) == 4
    assert (lanes.place(a) < lanes.place(b)) == (lanes.place(c) < lanes.place(d))
    assert abs(lanes.place(a) - lanes.place(b)) == abs(lanes.place(c) - lanes.place(d)) == 1


def test_parts_of_one_array_are_refused_where_their_orders_differ() -> None:
    """Side by side are e a b, a with c, and b with d: then c and d are not."""
    lanes = Lanes([a, b, c, d, e])
    assert lanes.accept([(c, d), (a, b)])
    assert lanes.accept([(e, a, b)])
    before = slots(lanes, a)
    assert not lanes.accept([(c, a, e)])
    assert slots(lanes, a) == before
    assert lanes.accept([(c, b)])
    assert slots(lanes, a) in ("e a b c d"[::-1], "e a b c d", "d c b a e")


def test_what_is_separate_shares_no_array_with_the_rest() -> None:
    lanes = Lanes([a, b, c, d], separate={a, b})
    assert lanes.accept([(a, b), (c, d)])
    assert not lanes.accept([(a, c)])
    assert not lanes.alias([(c, a)])
    assert lanes.alias([(b, a)]) is False  # they lie side by side already
    assert lanes.place(a) == lanes.place(c)


def test_parts_of_one_array_do_not_overlap() -> None:
    lanes = Lanes([a, b, c, d])
    assert lanes.accept([(c, d), (a, b)])
    assert lanes.accept([(a, b, c, d)])
    assert not lanes.alias([(c, b)])


def written(value: object, over: TensorSymbol | None = None) -> list[str]:
    order = Order({symbol: k for k, symbol in enumerate((a, b, c, d, e, f))})
    calls = Calls(order, str, lambda _node, _out: "", lambda k: f"spare{k}", over)
    calls.into(value, "out")
    return calls.lines


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (a + b, ["add(a, b, out=out)"]),
        (a * b + c, ["multiply(a, b, out=out)", "add(out, c, out=out)"]),
        (
            a * b + c * d,
            ["multiply(a, b, out=out)", "multiply(c, d, out=spare0)", "add(out, spare0, out=out)"],
        ),
        (tanh(a), ["tanh(a, out=out)"]),
        (1 / (1 + a), ["add(a, one, out=out)", "reciprocal(out, out=out)"]),
    ],
)
def test_an_expression_becomes_calls_that_write_in_place(value: object, lines: list[str]) -> None:
    assert sorted(written(value)) == sorted(lines)


def test_what_lies_where_the_result_will_is_read_before_it_is_overwritten() -> None:
    """`out` is where c lies: c has to be an operand of the first call that writes there."""
    lines = written(a + b + c, over=c)
    first = next(line for line in lines if "out=out" in line)
    assert "c" in first.replace("subtract", "").split("out=")[0]
    lines = written(a * b + c * d, over=d)
    first = next(line for line in lines if "out=out" in line)
    assert first == "multiply(c, d, out=out)"


def test_what_may_not_be_given_is_added_last_and_under_its_condition() -> None:
    order = Order({symbol: k for k, symbol in enumerate((a, b, c))})

    def lines(value: object, over: TensorSymbol | None = None) -> list[str]:
        calls = Calls(order, str, lambda _node, _out: "", str, over, given={a: "a_is_given"})
        calls.into(value, "out")
        return calls.lines

    under = ["if a_is_given:", "    add(out, a, out=out)"]
    assert lines(a + b + c) == ["add(b, c, out=out)", *under]
    assert lines(a + b, over=b) == [under[0], "    add(b, a, out=out)"]
    assert lines(a + b) == ["add(b, a, out=out)"]
    assert lines(a - b) == ["subtract(a, b, out=out)"]


def test_a_wish_that_cannot_be_granted_among_many_is_refused() -> None:
    """Without trying every order of them: fourteen have 87 billion."""
    many = [TensorSymbol(f"v{k}", ("n",)) for k in range(14)]
    lanes = Lanes(many)
    assert lanes.accept([tuple(many)])
    assert lanes.accept([(many[0], many[5])])
    assert lanes.accept([(many[0], many[9])])
    assert not lanes.accept([(many[0], many[13])])
    assert abs(lanes.place(many[0]) - lanes.place(many[5])) == 1


def test_lanes_that_no_wish_tells_apart_are_not_tried_in_every_order() -> None:
    """Ten parts of one array and their ten counterparts would have 10! orders."""
    first = [TensorSymbol(f"v{k}", ("n",)) for k in range(10)]
    second = [TensorSymbol(f"w{k}", ("n",)) for k in range(10)]
    lanes = Lanes([*first, *second, a])
    assert lanes.accept([tuple(second), tuple(first)])
    assert lanes.accept([(*first, *second)])
    assert lanes.accept([(a, *first)])
    assert not lanes.accept([(a, *second)])
    order = sorted(range(10), key=lambda k: lanes.place(first[k]))
    assert order == sorted(order, key=lambda k: lanes.place(second[k]))
