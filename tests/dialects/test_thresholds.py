"""Options that are numbers: what they bound, where a conversion takes them, and where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_records import random_params

import verify
from verify.cli import run
from verify.dialects import files, onnx_nodes
from verify.dialects.convert import convert
from verify.dialects.equivalence import choice
from verify.dialects.layout import NoConversionError

N_X, N_H, N_P = 3, 4, 2
Array = np.ndarray[Any, Any]


def sigmoid(a: Array) -> Array:
    """The logistic function."""
    return np.asarray(1 / (1 + np.exp(-a)))


def of_tensorflow(arrays: dict[str, Array], x: Array, c: Array, h: Array) -> tuple[Array, Array]:
    """LSTMCell of TensorFlow 1 with all of its options, as its source has them.

    `tensorflow/python/keras/layers/legacy_rnn/rnn_cell_impl.py`: use_peepholes, cell_clip=0.5,
    num_proj, proj_clip=0.1, and the forget_bias of 1.
    """
    inputs = np.concatenate([x, h], axis=1)
    i, j, f, o = np.split(inputs @ arrays["kernel"] + arrays["bias"], 4, axis=1)
    forget = sigmoid(f + 1.0 + arrays["w_f_diag"] * c)
    new = forget * c + sigmoid(i + arrays["w_i_diag"] * c) * np.tanh(j)
    new = np.clip(new, -0.5, 0.5)
    m = sigmoid(o + arrays["w_o_diag"] * new) * np.tanh(new)
    return new, np.clip(m @ arrays["projection/kernel"], -0.1, 0.1)


def test_cell_clip_and_proj_clip_of_tensorflow() -> None:
    """Written here from its source; both act, and without either it is another function."""
    base = "tf1.LSTMCell[use_peepholes=True,num_proj=n_p"
    record = verify.dialects[f"{base},cell_clip=0.5,proj_clip=0.1]"]
    rng = np.random.default_rng(0)
    arrays = record.pack(random_params(record))
    x, c, h = (rng.normal(size=(5, n)) for n in (N_X, N_H, N_P))
    state = record.module.State(h=h, c=c)
    found = record.module.step(record.unpack(arrays), x, state)[0]
    own_c, own_h = of_tensorflow(arrays, x, c, h)
    np.testing.assert_allclose(found.c, own_c, rtol=1e-13)
    np.testing.assert_allclose(found.h, own_h, rtol=1e-13)
    for less in ("cell_clip=0.5", "proj_clip=0.1"):
        other = verify.dialects[f"{base},{less}]"]
        wrong = other.module.step(other.unpack(arrays), x, other.module.State(h=h, c=c))[0]
        assert max(np.abs(wrong.c - own_c).max(), np.abs(wrong.h - own_h).max()) > 0.1


def test_a_clip_is_taken_to_a_dialect_that_has_one(tmp_path: Path) -> None:
    """Bit for bit, with the gate negated where the sides of it are exchanged."""
    pytest.importorskip("onnx", reason='needs pip install "gateproof[onnx]"')
    source = verify.dialects["onnx.GRU[clip=0.5]"]
    arrays = source.pack(random_params(source))
    made = convert(arrays, source, "onnx.GRU")
    assert made.target == source
    assert all(np.array_equal(made.arrays[name], array) for name, array in arrays.items())
    turned = convert(arrays, source, "gateproof.gru")
    assert turned.target.options == {"clip": "0.5"}
    assert set(turned.choice.changed) == {"W_u = -W_u", "U_u = -U_u", "b_u = -b_u"}
    path = tmp_path / "clipped.onnx"
    files.save(path, made.arrays, made.target)
    assert onnx_nodes.read(path)[1] == {"clip": 0.5}
    block = convert(
        verify.dialects["tf1.LSTMCell"].pack(random_params(verify.dialects["tf1.LSTMCell"])),
        "tf1.LSTMCell[cell_clip=3]",
        "tf.LSTMBlockCell",
    )
    assert block.target.name == "tf.LSTMBlockCell[cell_clip=3]"


def test_a_clip_is_refused_where_there_is_none() -> None:
    """With both equations and small integers at which it shows."""
    source = verify.dialects["onnx.GRU[linear_before_reset=1,clip=0.5]"]
    with pytest.raises(NoConversionError) as caught:
        convert(source.pack(random_params(source)), source, "torch.GRU")
    message = str(caught.value)
    assert "one has Γ_u = σ(clip(W_u x_t + U_u h_{t-1} + b_u, -1/2, 1/2))" in message
    assert "all else 0, the new h is" in message


def test_a_bound_is_negated_with_its_argument_where_it_has_two_sides() -> None:
    """clip(-a, -m, m) is -clip(a, -m, m), and a hard sigmoid about its middle; others are not."""
    assert choice("gru[clip=0.5]", "gru_keep[clip=0.5]") is not None
    assert choice("gru[clip=0.5]", "gru_keep[clip=0.6]") is None
    assert choice("gru[slope=0.2]", "gru_keep[slope=0.2]") is not None
    assert choice("gru[slope=0.2]", "gru_keep_hard") is not None
    assert choice("gru[offset=0.4]", "gru_keep[offset=0.4]") is None


def test_the_hard_sigmoid_of_keras_3_goes_to_onnx_and_back() -> None:
    """Its slope is 1/6, which an attribute holds to eight digits."""
    source = verify.dialects["keras.LSTM[recurrent_activation=hard_sigmoid]"]
    name = "onnx.LSTM[activations=HardSigmoid,activation_alpha=0.16666667]"
    arrays = source.pack(random_params(source))
    there = convert(arrays, source, verify.dialects[name])
    back = convert(there.arrays, name, source)
    for key, array in arrays.items():
        np.testing.assert_allclose(back.arrays[key], array, rtol=1e-15)


def test_the_command_line_reads_and_refuses_attributes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clip of a file is carried along; activations without a record are named."""
    pytest.importorskip("onnx", reason='needs pip install "gateproof[onnx]"')
    record = verify.dialects["onnx.LSTM[clip=0.5]"]
    arrays = record.pack(random_params(record, np.float32))
    path, out = tmp_path / "lstm.onnx", tmp_path / "out.npz"
    path.write_bytes(onnx_nodes.model(arrays, record))
    assert run(["convert", "--from", "onnx.LSTM", "--to", "torch.LSTM", str(path), str(out)]) == 2
    assert "onnx.LSTM[clip=0.5] to torch.LSTM: no exact conversion" in capsys.readouterr().err
    assert not out.exists()
    own = f"gateproof.{record.cell.partition('[')[0]}"
    assert run(["convert", "--from", "onnx.LSTM", "--to", own, str(path), str(out)]) == 0
    assert "set clip = 0.5" in capsys.readouterr().out
