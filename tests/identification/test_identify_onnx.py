"""The recurrent nodes of a model: which function each is, and what an export forgot."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import verify
from verify.cli import run
from verify.dialects import onnx_nodes
from verify.dialects.layout import DialectError
from verify.frameworks import subjects
from verify.identification.verdict import identify_each

N_X, N_H = 5, 4


def model(path: Path, arrays_of: str, node: str) -> Path:
    """A model whose weights are of one dialect and whose node is of another."""
    pytest.importorskip("onnxruntime", reason='needs pip install "gateproof[onnx]"')
    record = verify.dialects[arrays_of]
    rng = np.random.default_rng(0)
    module = record.module
    params = module.init(rng, n_x=N_X, n_h=N_H, dtype=np.float32)
    params = [rng.normal(size=p.shape).astype(np.float32) for p in params]
    arrays = record.pack(module.Params(*params))
    path.write_bytes(onnx_nodes.model(arrays, verify.dialects[node]))
    return path


AFTER = "onnx.GRU[linear_before_reset=1]"


ONNX = [dialect.name for framework, dialect in subjects() if framework.name == "onnx"]


@pytest.mark.parametrize("name", ONNX)
def test_nodes_of_onnx(name: str, tmp_path: Path) -> None:
    """Every variant, also with a clip and another hard sigmoid, by what ONNX Runtime computes."""
    found = verify.identify(model(tmp_path / "model.onnx", name, name))
    assert found.dialect is not None
    assert verify.dialects[found.dialect] == verify.dialects[name]
    assert found.exact


def test_a_node_with_the_wrong_attribute_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The weights of torch.GRU in a node that resets before the product: what to set is said."""
    path = model(tmp_path / "wrong.onnx", AFTER, "onnx.GRU")
    assert run(["identify", str(path)]) == 0
    assert "onnx.GRU[linear_before_reset=1]" in capsys.readouterr().out
    assert run(["identify", str(path), "--expect", "torch.GRU", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == 1
    (found,) = answer["found"]
    assert found["dialect"] == "onnx.GRU"
    assert found["mismatch"]["set"] == {"linear_before_reset": "1"}
    assert found["mismatch"]["gap"] > 0.01
    right = model(tmp_path / "right.onnx", AFTER, AFTER)
    assert run(["identify", str(right), "--expect", "torch.GRU"]) == 0


def test_directions_that_are_different_functions_are_told_apart(tmp_path: Path) -> None:
    """What the first direction computes says nothing of the second."""
    onnx = pytest.importorskip("onnx", reason='needs pip install "gateproof[onnx]"')
    pytest.importorskip("onnxruntime", reason='needs pip install "gateproof[onnx]"')
    shapes = {"W": (2, N_H, N_X), "R": (2, N_H, N_H)}
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    record = verify.dialects["onnx.RNN"]
    made = onnx.load_from_string(onnx_nodes.model(arrays, record))
    made.graph.node[0].attribute.append(
        onnx.helper.make_attribute("activations", ["Tanh", "Relu"]),
    )
    path = tmp_path / "both.onnx"
    path.write_bytes(made.SerializeToString())
    found = [each for each in identify_each(path) if not isinstance(each, DialectError)]
    assert [each.dialect for each in found] == ["onnx.RNN", "onnx.RNN[activations=Relu]"]
    for k, each in enumerate(found):
        assert each.params is not None
        assert np.array_equal(each.params.W_h, arrays["W"][k])


def test_a_node_that_cannot_be_run_hides_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the others are is printed, and then what is wrong with it."""
    onnx = pytest.importorskip("onnx", reason='needs pip install "gateproof[onnx]"')
    path = model(tmp_path / "two.onnx", AFTER, AFTER)
    made = onnx.load(path)
    other = made.graph.node.add()
    other.CopyFrom(made.graph.node[0])
    other.name = "odd"
    del other.output[:]
    other.output.append("odd_Y")
    other.attribute.append(onnx.helper.make_attribute("activations", ["Identity", "Tanh"]))
    onnx.save(made, path)
    assert run(["identify", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out.count("onnx.GRU") >= 1
    assert "'odd' (GRU) cannot be run" in told.err
    assert told.err.count("\n") == 1


def test_a_clip_is_one_more_thing_to_leave_out(tmp_path: Path) -> None:
    """And where it bounds nothing that is said."""
    path = model(tmp_path / "clipped.onnx", AFTER, "onnx.GRU[clip=0.5]")
    found = verify.identify(path, expect="torch.GRU")
    assert found.mismatch is not None
    assert found.mismatch.repair == {"linear_before_reset": 1, "clip": None}
    assert "set linear_before_reset=1, leave out clip" in str(found)
    far = verify.identify(model(tmp_path / "far.onnx", AFTER, f"{AFTER[:-1]},clip=1000]"))
    (rival,) = far.rivals
    assert f"the cell {verify.dialects[AFTER].cell} computes the same" in rival


def test_a_node_is_held_against_a_module(tmp_path: Path) -> None:
    """What is expected may be a target itself."""
    torch = pytest.importorskip("torch", reason='needs pip install "gateproof[torch]"')
    path = model(tmp_path / "wrong.onnx", AFTER, "onnx.GRU")
    found = verify.identify(path, expect=torch.nn.GRU(N_X, N_H))
    assert found.mismatch is not None
    assert found.mismatch.repair == {"linear_before_reset": 1}
