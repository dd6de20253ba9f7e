"""The recurrent nodes of an ONNX model, as arrays and attributes; and a model of one node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from verify.dialects.layout import Array, DialectError
from verify.dialects.record import Dialect
from verify.dialects.records.onnx import ACTIVATIONS
from verify.extras import extra

INPUTS = {1: "W", 2: "R", 3: "B"}
PEEPHOLES = 7
PLAIN = ("hidden_size", "direction", "layout", "output_sequence")
"""Attributes that change no equation."""
ZERO = ("linear_before_reset", "input_forget")
"""Attributes whose default is 0."""
LINE = {"activation_alpha": 0.2, "activation_beta": 0.5}
"""Lists, a number for each activation that takes one, and the defaults of HardSigmoid."""
OPSET = 22
IR_VERSION = 10


@dataclass(frozen=True)
class Node:
    """A recurrent node of a model.

    Attributes:
        name: its own, or that of its first output.
        proto: the node itself.
        arrays: W, R, and B and P where it has them.
        options: the attributes that change its equations, as the records write them.
    """

    name: str
    proto: Any
    arrays: dict[str, Array]
    options: dict[str, Any]


def read(path: Path, node: str = "") -> tuple[dict[str, Array], dict[str, Any], bool]:
    """The arrays of a recurrent node, the attributes that change its equations, and its direction.

    The direction is whether it has but one, backwards in time.

    Args:
        path: the model; data beside it is read from its own folder and nowhere else.
        node: the name of the node, where there are several.

    Raises:
        DialectError: it is no model, has no such node, or the weights are computed or elsewhere.
    """
    found = nodes(path, node)
    if len(found) != 1:
        names = ", ".join(f"{n.name!r} ({n.proto.op_type})" for n in found)
        raise DialectError(f"{path}: choose with --node one of {names}")
    direction = {attribute.name: attribute.s for attribute in found[0].proto.attribute}
    return found[0].arrays, found[0].options, direction.get("direction") == b"reverse"


def nodes(path: Path, name: str = "") -> list[Node]:
    """The recurrent nodes of a model, or the one of that name.

    Raises:
        DialectError: it is no model, has no such node, or the weights are computed or elsewhere.
    """
    onnx = extra("onnx")
    try:
        model = onnx.load_model(path, load_external_data=False)
        graph = model.graph
    except Exception as error:  # protobuf has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DialectError(f"{path}: not a readable .onnx file: {reason}") from error
    found = [n for n in graph.node if n.op_type in ACTIVATIONS and n.domain in ("", "ai.onnx")]
    if not found:
        raise DialectError(
            f"{path}: no {', '.join(ACTIVATIONS)} node; it may be truncated, or no model"
        )
    picked = [n for n in found if name in (_name(n), "")]
    if not picked:
        names = ", ".join(f"{_name(n)!r} ({n.op_type})" for n in found)
        raise DialectError(f"{path}: choose with --node one of {names}")
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for other in graph.node:
        if other.op_type == "Constant":
            for attribute in other.attribute:
                if attribute.name == "value":
                    constants[other.output[0]] = attribute.t
    made = []
    for each in picked:
        arrays = {}
        for place, own in (*INPUTS.items(), (PEEPHOLES, "P")):
            source = each.input[place] if place < len(each.input) else ""
            if source:
                if source not in constants:
                    raise DialectError(
                        f"{path}: {own} of node {_name(each)!r} is {source!r}, "
                        "which is no constant of the model"
                    )
                arrays[own] = _array(onnx, constants[source], path)
        options = _options(onnx, each, with_peepholes="P" in arrays)
        made.append(Node(_name(each), each, arrays, options))
    return made


def _name(node: Any) -> str:  # noqa: ANN401 - a NodeProto
    return str(node.name or next(filter(None, node.output), ""))


def _array(onnx: ModuleType, tensor: Any, path: Path) -> Array:  # noqa: ANN401 - a TensorProto
    """The numbers of a tensor; those in a file beside the model only from its own folder."""
    folder = path.resolve().parent
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        places = [entry.value for entry in tensor.external_data if entry.key == "location"]
        # No file has a zero byte in its name, and the system raises at one.
        named = places and "\0" not in places[0]
        beside = (folder / places[0]).resolve() if named else folder
        if not beside.is_relative_to(folder) or not beside.is_file():
            raise DialectError(
                f"{path}: {tensor.name}: expected its data in a file of the model's own folder, "
                f"got {places[0] if places else 'no place'!r}"
            )
    try:
        array: Array = onnx.numpy_helper.to_array(tensor, base_dir=str(folder))
    except Exception as error:  # a file that is too short, a type without a NumPy one
        reason = " ".join(str(error).split())
        raise DialectError(f"{path}: {tensor.name} cannot be read: {reason}") from error
    return array


def _options(onnx: ModuleType, node: Any, *, with_peepholes: bool) -> dict[str, Any]:  # noqa: ANN401
    """The attributes that choose a variant, as the records write them."""
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    options: dict[str, Any] = {}
    for name, value in attributes.items():
        if name in PLAIN or (name in ZERO and not value) or name.startswith("activation_"):
            continue
        options[name] = _decimal(value) if isinstance(value, float) else value
    if not options.get("clip", 1):
        del options["clip"]  # the runtime takes 0 for no bound
    if gates := [text.decode() for text in options.pop("activations", [])]:
        usual = ACTIVATIONS[node.op_type]
        each = {tuple(gates[k : k + len(usual)]) for k in range(0, len(gates), len(usual))}
        own = each.pop()
        if each or own[1:] != tuple(usual[1:]):
            options["activations"] = ",".join(gates)
        elif own != tuple(usual):
            options["activations"] = own[0]
    for name, default in LINE.items():
        values = {_decimal(value) for value in attributes.get(name, [])}
        if values - {default}:
            options[name] = values.pop() if len(values) == 1 else tuple(sorted(values))
    if with_peepholes and "input_forget" not in options:
        options["P"] = "given"
    return options


def _decimal(value: float) -> float:
    """An attribute is a number in float32; the shortest decimal that it can have been."""
    return float(str(np.float32(value)))


def attributes(record: Dialect, directions: int) -> dict[str, Any]:
    """The options of a record as attributes of a node."""
    kind = record.base.removeprefix("onnx.")
    found: dict[str, Any] = {k: v for k, v in record.options.items() if k != "P"}
    if "activations" in found:
        found["activations"] = [found["activations"], *ACTIVATIONS[kind][1:]] * directions
    for name in {*LINE, "clip"} & set(found):
        number = float(found[name])
        found[name] = [number] * directions if name in LINE else number
    return found


def model(arrays: Mapping[str, Array], record: Dialect) -> bytes:
    """A model of one node with these weights, for a sequence (T, B, n_x) from zero states.

    Raises:
        DialectError: the arrays are no node's.
    """
    kind = record.base.removeprefix("onnx.")
    if kind not in ACTIVATIONS:
        raise DialectError(f"{record.name}: an .onnx file is for a dialect of onnx")
    onnx = extra("onnx")
    directions, _, n_x = arrays["W"].shape
    options = attributes(record, directions)
    if directions == 2:
        options["direction"] = "bidirectional"
    n_h = arrays["R"].shape[-1]
    names = ["X", "W", "R", "B" if "B" in arrays else ""]
    names += ["", "", "", "P"] if "P" in arrays else []
    outputs = ["Y", *(f"Y_{state}" for state in record.states)]
    node = onnx.helper.make_node(kind, names, outputs, kind, hidden_size=n_h, **options)
    number = onnx.helper.np_dtype_to_tensor_dtype(arrays["W"].dtype)
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [node],
        kind,
        [value("X", number, ["T", "B", n_x])],
        [
            value("Y", number, ["T", directions, "B", n_h]),
            *(value(name, number, [directions, "B", n_h]) for name in outputs[1:]),
        ],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    made = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(made)
    data: bytes = made.SerializeToString(deterministic=True)
    return data
