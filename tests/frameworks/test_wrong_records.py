"""The comparison is tested with records that are wrong in the ways that people get them wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from support import outcome

from verify import dialects
from verify.dialects.record import Dialect
from verify.frameworks import subjects
from verify.frameworks.compare import solved
from verify.frameworks.network import BOTH, Network
from verify.frameworks.result import result

pytestmark = pytest.mark.filterwarnings("ignore")  # those of frameworks are for their users


def written(name: str, cell: str = "", fixed: str = "", **arrays: str) -> Dialect:
    """The record of that name with other texts for arrays whose names start so, or another cell."""
    record = dialects[name]
    found = {
        key: next((text for start, text in arrays.items() if key.startswith(start)), old)
        for key, old in record.arrays.items()
    }
    assert found != record.arrays
    nothing = {fixed: "0"} if fixed else {}
    return replace(record, arrays=found, cell=cell or record.cell, fixed=nothing)


WRONG: Mapping[str, Dialect] = {
    "gates of the input in another order": written("torch.GRU", weight_ih="[W_u; W_r; W_h]"),
    "gates of the state in another order": written("torch.LSTM", weight_hh="[U_i; U_f; U_o; U_g]"),
    "biases in another order": written("torch.LSTM", bias_hh="[b_f; b_i; b_g; b_o]"),
    "one recurrent matrix transposed": written("torch.GRU", weight_hh="[U_r; U_u; U_hᵀ]"),
    "all recurrent matrices transposed": written(
        "torch.LSTM", weight_hh="[U_iᵀ; U_fᵀ; U_gᵀ; U_oᵀ]"
    ),
    "the second bias without its part": written("torch.RNN", bias_hh="-b_h"),
    "the recurrent bias outside the reset": written(
        "torch.GRU", bias_hh="[b_r; b_u; b_h]", fixed="c_h"
    ),
    "reset before the product": written("torch.GRU", bias_hh="[b_r; b_u; b_h]", cell="gru_keep"),
    "the update gate keeps the other side": replace(dialects["torch.GRU"], cell="gru_after"),
    "the other activation": replace(dialects["torch.RNN"], cell="rnn_relu"),
    "the forget bias twice": replace(dialects["haiku.LSTM"], added={"b_f": 2.0}),
    "the forget bias never": replace(dialects["haiku.LSTM"], added={}),
    "the forget bias where there is none": replace(dialects["onnx.LSTM"], added={"b_f": 1.0}),
    "states in another order": replace(dialects["equinox.LSTMCell"], states=("c", "h")),
    "the state before the input": written(
        "haiku.LSTM", **{"linear/w": "[U_iᵀ U_gᵀ U_fᵀ U_oᵀ; W_iᵀ W_gᵀ W_fᵀ W_oᵀ]"}
    ),
    "gates of another framework": written("onnx.LSTM", W="[[W_i; W_f; W_g; W_o]]"),
    "peepholes in the order of the gates": written("onnx.LSTM[P=given]", P="[[p_i; p_f; p_o]]"),
    "another clip": replace(dialects["onnx.GRU[clip=0.5]"], cell="gru_keep[clip=0.6]"),
    "no clip": replace(dialects["onnx.RNN[clip=0.5]"], cell="rnn"),
    "a clip of the state too": replace(
        dialects["onnx.LSTM[clip=0.5]"], cell="lstm[clip=0.5,clip_c=0.5]"
    ),
    "another slope": replace(
        dialects["onnx.LSTM[activations=HardSigmoid,activation_alpha=0.3]"], cell="lstm_hard"
    ),
    "the default of another exporter": replace(
        dialects["onnx.GRU[linear_before_reset=1]"], options={}
    ),
}


@pytest.mark.parametrize("record", [pytest.param(d, id=what) for what, d in WRONG.items()])
def test_a_wrong_record_disagrees(record: Dialect) -> None:
    framework = next(f for f, d in subjects() if d.base == record.base)
    network = framework.networks(record)[-1]
    assert outcome(result(framework, record, network, solved(record, network))) == "disagrees"


def test_directions_exchanged_are_seen() -> None:
    """Both have the same shapes."""
    framework = next(f for f, d in subjects() if d.base == "torch.GRU")
    network = Network(1, BOTH)
    case = solved(dialects["torch.GRU"], network)
    other = replace(case.problem, states=case.problem.states[::-1])
    found = result(framework, dialects["torch.GRU"], network, replace(case, problem=other))
    assert outcome(found) == "disagrees"
