"""Records are right in themselves, packing and unpacking are two readings of one description."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import verify
from equations import cells
from verify.dialects.layout import DialectError, Layout
from verify.dialects.record import Dialect

SIZES = {"n_x": 3, "n_h": 4, "n_p": 2}
TORCH = "torch.GRUCell"
KERAS = "keras.GRU"


def random_params(record: Dialect, dtype: Any = np.float64, seed: int = 0) -> Any:  # noqa: ANN401
    """Random parameters that the dialect has a place for."""
    rng = np.random.default_rng(seed)
    values = {
        name: rng.normal(size=[SIZES[axis] for axis in axes]).astype(dtype)
        for name, axes in record.axes.items()
    }
    return record.params(
        {k: np.zeros_like(v) if k in record.fixed else v for k, v in values.items()}
    )


def bits(value: Any) -> bytes:  # noqa: ANN401
    """An array bit for bit."""
    return np.ascontiguousarray(value).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", list(verify.dialects))
def test_what_is_packed_is_read_again(name: str, dtype: Any) -> None:  # noqa: ANN401
    """Bit for bit where numbers are moved or negated; within a rounding where they are not."""
    record = verify.dialects[name]
    params = random_params(record, dtype)
    arrays = record.pack(params)
    read = record.unpack(arrays)
    rounds = bool(record.scaled)
    for field, value in params._asdict().items():
        got = getattr(read, field)
        assert got.dtype == dtype
        assert got.base is None
        if rounds or field in record.added:
            eps = np.finfo(dtype).eps
            np.testing.assert_allclose(got, value, rtol=2 * eps, atol=2 * eps)
        else:
            assert bits(got) == bits(value), field
    assert tuple(arrays) == record.array_names()


@pytest.mark.parametrize("name", list(verify.dialects))
def test_what_is_read_is_packed_again(name: str) -> None:
    """Where no number is added to another, the arrays come back bit for bit."""
    record = verify.dialects[name]
    arrays = record.pack(random_params(record))
    again = record.pack(record.unpack(arrays))
    if not record.scaled and not record.added:
        assert {k: bits(v) for k, v in again.items()} == {k: bits(v) for k, v in arrays.items()}


def test_two_biases_are_added_and_the_record_says_so() -> None:
    """All but the candidate's recurrent bias, which the reset gate multiplies."""
    record = verify.dialects[TORCH]
    arrays = record.pack(random_params(record))
    arrays["bias_hh"] = np.arange(12.0)
    read = record.unpack(arrays)
    np.testing.assert_array_equal(read.b_r, arrays["bias_ih"][:4] + np.arange(4.0))
    np.testing.assert_array_equal(read.b_h, arrays["bias_ih"][8:])
    np.testing.assert_array_equal(read.c_h, np.arange(8.0, 12.0))
    assert record.merged() == ("b_r, b_u: bias_ih + bias_hh",)


def test_a_negative_zero_stays_one() -> None:
    """The zero of a second place is not added."""
    record = verify.dialects[TORCH]
    params = random_params(record)
    params = params._replace(b_r=np.full(4, -0.0))
    assert bits(record.unpack(record.pack(params)).b_r) == bits(params.b_r)


def test_absent_biases_are_zero() -> None:
    """Only arrays that the record calls optional may be absent."""
    record = verify.dialects[TORCH]
    arrays = record.pack(random_params(record))
    del arrays["bias_ih"], arrays["bias_hh"]
    assert not np.any(record.unpack(arrays).b_r)
    del arrays["weight_hh"]
    with pytest.raises(DialectError, match="array weight_hh is missing"):
        record.unpack(arrays)


def test_arrays_may_come_as_a_list_or_as_a_tree() -> None:
    """The list of `get_weights`, the nested names of a tree."""
    keras = verify.dialects[KERAS]
    params = random_params(keras)
    assert bits(keras.unpack(list(keras.pack(params).values())).U_h) == bits(params.U_h)
    linen = verify.dialects["flax.linen.GRUCell"]
    tree: dict[str, dict[str, Any]] = {}
    for name, array in linen.pack(params).items():
        part, leaf = name.split("/")
        tree.setdefault(part, {})[leaf] = array
    assert bits(linen.unpack(tree).U_h) == bits(params.U_h)


def test_layers_and_directions_are_in_names_or_on_an_axis() -> None:
    """Two layers of two directions in PyTorch, two directions in ONNX."""
    torch = verify.dialects["torch.GRU"]
    places = [(0, False), (0, True), (1, False), (1, True)]
    several = {place: random_params(torch, seed=k) for k, place in enumerate(places)}
    arrays = torch.pack_all(several)
    assert "weight_hh_l1_reverse" in arrays
    assert torch.found_places(arrays) == tuple(places)
    for (layer, reverse), params in several.items():
        read = torch.unpack(arrays, layer=layer, reverse=reverse)
        assert bits(read.c_h) == bits(params.c_h)
    onnx = verify.dialects["onnx.GRU[linear_before_reset=1]"]
    arrays = onnx.pack_all({place: several[place] for place in places[:2]})
    assert arrays["W"].shape == (2, 12, 3)
    assert onnx.found_places(arrays) == tuple(places[:2])
    assert bits(onnx.unpack(arrays, reverse=True).W_u) == bits(several[0, True].W_u)
    with pytest.raises(DialectError, match="holds one layer and direction"):
        onnx.pack_all(several)


def test_a_wrong_shape_names_array_shapes_and_the_dialect_it_fits() -> None:
    """The arrays of Keras given as PyTorch's, and one array of a wrong size."""
    keras, torch = verify.dialects[KERAS], verify.dialects[TORCH]
    kernels = list(keras.pack(random_params(keras)).values())[:2]
    arrays = dict(zip(("weight_ih", "weight_hh"), kernels, strict=True))
    with pytest.raises(DialectError) as caught:
        torch.unpack(arrays)
    wanted = "torch.GRUCell: weight_hh: expected shape (3 n_h, n_h), got (4, 12)"
    assert str(caught.value).startswith(f"{wanted}; these shapes fit ")
    assert KERAS in str(caught.value)
    arrays = torch.pack(random_params(torch))
    arrays["weight_hh"] = arrays["weight_hh"].T
    with pytest.raises(DialectError) as caught:
        torch.unpack(arrays)
    wanted = "torch.GRUCell: weight_hh: expected shape (3 n_h, n_h) = (12, 4), got (4, 12)"
    assert str(caught.value).startswith(wanted)
    assert "(recurrent_kernel)" in str(caught.value)
    arrays = torch.pack(random_params(torch))
    arrays["weight_ih"] = arrays["weight_ih"].T
    with pytest.raises(DialectError, match=r"\(3 n_h, n_x\) with n_h = 4, got .*GRU \(kernel\)"):
        torch.unpack(arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extra": np.zeros(3)}, "unknown array extra"),
        ({"bias_ih": np.zeros(12, np.float32)}, "all of float32 or all of float64"),
        ({"bias_ih": np.zeros((3, 4))}, r"bias_ih: expected shape \(3 n_h,\) = \(12,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    """In one line that names the array."""
    record = verify.dialects[TORCH]
    arrays = record.pack(random_params(record)) | change
    with pytest.raises(DialectError, match=message):
        record.unpack(arrays)


def test_a_number_without_a_place_is_refused() -> None:
    """Flax nnx has no recurrent bias for the candidate."""
    record = verify.dialects["flax.nnx.GRUCell"]
    params = random_params(record)
    params.c_h[2] = 0.5
    with pytest.raises(DialectError, match=r"no place for c_h, which must be 0: c_h\[2\] is 0.5"):
        record.pack(params)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cell": "nothing"}, "no cell is called 'nothing'"),
        ({"states": ("h", "c")}, "states: expected an order of h"),
        ({"fixed": {"c_h": "0"}}, "c_h is fixed and in an array"),
        ({"added": {"b_f": 1.0}}, "b_f is no parameter"),
        ({"settings": {"clip": "clip_c"}}, "clip_c is no number of"),
        ({"arrays": {"w": "[W_r; W_u]"}}, "is in no array and not fixed"),
        ({"arrays": {"w": "[W_r; U_u]"}}, "w: the rows have blocks of different widths"),
        ({"arrays": {"w": "[W_r U_u; b_r]"}}, "different widths"),
        ({"arrays": {"w": "[W_r b_r; U_u"}}, "the brackets do not match"),
        ({"arrays": {"w": "W_r*2"}}, "is not a block"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    """When it is made."""
    with pytest.raises(DialectError, match=message):
        replace(verify.dialects[TORCH], **change)


def test_every_kind_of_block_is_read_back() -> None:
    """Signs, factors, transposes, rows, columns, axes in front and blocks that are not used."""
    axes = {"A": ("n", "m"), "b": ("n",)}
    sizes = {"n": 2, "m": 3}
    values = {"A": np.arange(1.0, 7.0).reshape(2, 3), "b": np.array([8.0, 9.0])}
    for text, shape in (
        ("[[-A b]]", (1, 2, 4)),
        ("[Aᵀ 1/2*Aᵀ; bᵀ 0*bᵀ]", (4, 4)),
        ("[b; -b; 4*b]", (6,)),
        ("column b", (2, 1)),
        ("bᵀ", (1, 2)),
    ):
        layout = Layout.parse(text, axes)
        assert layout.shape(sizes) == shape, text
        array = layout.join(values[block.parameter] for block in layout.blocks())
        assert array.shape == shape[layout.lead :]
        for block, value in layout.cut(array, sizes):
            np.testing.assert_array_equal(value, values[block.parameter], err_msg=text)
    joined = Layout.parse("[b; 0*b]", axes).join(iter([values["b"], values["b"]]))
    np.testing.assert_array_equal(joined, [8.0, 9.0, 0.0, 0.0])


def test_every_dialect_has_a_generated_cell_and_a_source() -> None:
    """And its name is framework and cell."""
    for name, record in verify.dialects.items():
        assert record.cell in cells
        assert record.source
        assert "." in name
        importlib.import_module(f"equations.generated.{record.cell}")


def test_an_unknown_name_says_what_was_meant() -> None:
    """As with a mistyped letter."""
    with pytest.raises(KeyError, match=r"did you mean torch\.GRU"):
        verify.dialects["torch.GUR"]


def test_importing_verify_loads_nothing() -> None:
    """Neither SymPy nor a record."""
    code = (
        "import sys, verify; sys.exit('sympy' in sys.modules or 'verify.dialects' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
