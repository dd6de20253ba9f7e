"""ONNX Runtime: models of one node, in each direction and in both, over lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verify.dialects import onnx_nodes
from verify.dialects.record import Dialect
from verify.extras import extra
from verify.frameworks.framework import (
    Float,
    Framework,
    Function,
    Tensor,
    Tensors,
    kind_of,
)
from verify.frameworks.network import BOTH, Answer, Array, Network, Problem

EXTRA = "onnx"
INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
DIRECTIONS = {("forward",): "forward", ("backward",): "reverse", BOTH: "bidirectional"}
OPSET, IR_VERSION = 22, 10
"""Of the models made here: the last change to these operators, and a format that has it."""


def run_node(
    kind: str, inputs: Mapping[str, Array], outputs: int, attributes: Mapping[str, Any]
) -> Sequence[Array]:
    """The outputs of a model of one node, on one thread.

    Args:
        kind: the operator.
        inputs: by the names that the operator gives them.
        outputs: how many outputs it has.
        attributes: of the node.
    """
    onnx, runtime = extra("onnx"), extra("onnxruntime")
    helper = onnx.helper
    names = [f"Y{k}" for k in range(outputs)]
    given = [name if name in inputs else "" for name in INPUTS]
    while not given[-1]:
        given.pop()
    described = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for name, a in inputs.items()
    ]
    found = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in names]
    graph = helper.make_graph(
        [helper.make_node(kind, given, names, **attributes)], kind, described, found
    )
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is raised as well
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=providers)
    return session.run(None, dict(inputs))  # type: ignore[no-any-return]


def engine(function: Function, problem: Problem, dtype: Float) -> Answer:
    """Run; there are no gradients."""

    def given(array: Array) -> Array:
        return np.asarray(array, dtype)

    arrays = [{name: given(a) for name, a in own.items()} for own in problem.arrays]
    states = [tuple(map(given, state)) for state in problem.states]
    ys, last = function(arrays, given(problem.xs), states)
    return Answer(ys, tuple(map(tuple, last)), None, None, None)


def build(dialect: Dialect, problem: Problem) -> Function:
    """A node; its arrays hold one direction after another."""
    directions = problem.network.directions
    attributes = onnx_nodes.attributes(dialect, len(directions))
    attributes["hidden_size"] = problem.states[0][0].shape[-1]
    attributes["direction"] = DIRECTIONS[directions]

    def function(arrays: Tensors, xs: Tensor, states: Tensors) -> tuple[Tensor, Tensors]:
        inputs = {name: np.concatenate([own[name] for own in arrays]) for name in arrays[0]}
        inputs["X"] = xs
        for name, each in zip(dialect.states, zip(*states, strict=True), strict=True):
            inputs[f"initial_{name}"] = np.stack(each)
        if problem.lengths is not None:
            inputs["sequence_lens"] = problem.lengths.astype(np.int32)
        ys, *last = run_node(kind_of(dialect), inputs, 1 + len(states[0]), attributes)
        # (T, directions, B, n_h) to (T, B, directions · n_h)
        return np.concatenate(list(ys.swapaxes(0, 1)), axis=-1), list(zip(*last, strict=True))

    return function


def networks(dialect: Dialect) -> tuple[Network, ...]:  # noqa: ARG001 - the same for all
    """Forwards; backwards and in both directions over lengths."""
    backward = Network(directions=("backward",), lengths=True)
    return (Network(), backward, Network(directions=BOTH, lengths=True))


FRAMEWORKS = (Framework("onnx", EXTRA, engine, build, networks, dtype=np.float32),)
