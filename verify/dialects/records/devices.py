"""Core ML and CNTK, and libraries with kernels or layers of their own: read, not run."""

from __future__ import annotations

from verify.dialects.record import Dialect

COREML = "coremltools, mlmodel/format/NeuralNetwork.proto"
MIL = "coremltools, converters/mil/mil/ops/defs/iOS15/recurrent.py"
CLIPPED = "pre-activations are clipped to ±50, where σ and tanh are within 2e-22 of their ends"
CNTK = "CNTK 2.7, bindings/python/cntk/layers/blocks.py"
DL4J = "deeplearning4j, LSTMHelpers and its parameter initialisers"
LASAGNE = "Lasagne, layers/recurrent.py"
HASTE = "haste 0.5, frameworks/pytorch"
COREML_GATES = {"inputGate": "i", "forgetGate": "f", "blockInput": "g", "outputGate": "o"}


def coreml(gates: dict[str, str]) -> dict[str, str]:
    """The fields of a Core ML layer, three for each gate."""
    return {
        **{f"{name}WeightMatrix": f"W_{gate}" for name, gate in gates.items()},
        **{f"{name}RecursionMatrix": f"U_{gate}" for name, gate in gates.items()},
        **{f"{name}BiasVector?": f"b_{gate}" for name, gate in gates.items()},
    }


RECORDS = (
    Dialect(
        "coreml.SimpleRecurrent",
        "rnn",
        {"weightMatrix": "W_h", "recursionMatrix": "U_h", "biasVector?": "b_h"},
        ("h",),
        "source",
        COREML,
        note=f"the activation is the model's; {CLIPPED}",
    ),
    Dialect(
        "coreml.GRULayer",
        "gru_keep",
        coreml({"updateGate": "u", "resetGate": "r", "outputGate": "h"}),
        ("h",),
        "source",
        COREML,
        note=f"gates z, r, o; {CLIPPED}",
    ),
    Dialect(
        "coreml.mil.gru",
        "gru_after_keep",
        {
            "weight_ih": "[W_r; W_h; W_u]",
            "weight_hh": "[U_r; U_h; U_u]",
            "bias?": "[b_r; b_h; b_u]",
        },
        ("h",),
        "source",
        MIL,
        fixed={"c_h": "0"},
        note="gates r, o, z; the documented equation, which the older layer contradicts",
    ),
    Dialect(
        "coreml.LSTM",
        "lstm_peephole",
        coreml(COREML_GATES)
        | {
            f"{name}PeepholeVector?": f"p_{COREML_GATES[name]}"
            for name in ("inputGate", "forgetGate", "outputGate")
        },
        ("h", "c"),
        "source",
        COREML,
        note=f"with forgetBias 1 is added to the bias of f when it runs; {CLIPPED}, and c to ±50",
    ),
    Dialect(
        "coreml.mil.lstm",
        "lstm_peephole",
        {
            "weight_ih": "[W_i; W_f; W_o; W_g]",
            "weight_hh": "[U_i; U_f; U_o; U_g]",
            "bias?": "[b_i; b_f; b_o; b_g]",
            "peephole?": "[p_i; p_f; p_o]",
        },
        ("h", "c"),
        "source",
        MIL,
        note="gates i, f, o, z",
    ),
    Dialect(
        "cntk.RNNUnit",
        "rnn_logistic",
        {"b": "b_h", "W": "W_hᵀ", "H": "U_hᵀ"},
        ("h",),
        "source",
        CNTK,
        note="its default activation is the logistic function",
    ),
    Dialect(
        "cntk.GRU",
        "gru_keep",
        {
            "b": "[b_u; b_r; b_h]",
            "W": "[W_uᵀ W_rᵀ W_hᵀ]",
            "H": "[U_uᵀ U_rᵀ]",
            "H1": "U_hᵀ",
        },
        ("h",),
        "source",
        CNTK,
        note="gates z, r, c; without the self-stabiliser, which is off by default",
    ),
    Dialect(
        "cntk.LSTM",
        "lstm",
        {
            "b": "[b_i; b_g; b_f; b_o]",
            "W": "[W_iᵀ W_gᵀ W_fᵀ W_oᵀ]",
            "H": "[U_iᵀ U_gᵀ U_fᵀ U_oᵀ]",
        },
        ("h", "c"),
        "source",
        CNTK,
        note="gates i, bit, f, o; without the self-stabiliser",
    ),
    Dialect(
        "cntk.LSTM",
        "lstm_peephole",
        {
            "b": "[b_i; b_g; b_f; b_o]",
            "W": "[W_iᵀ W_gᵀ W_fᵀ W_oᵀ]",
            "H": "[U_iᵀ U_gᵀ U_fᵀ U_oᵀ]",
            "Ci": "p_i",
            "Cf": "p_f",
            "Co": "p_o",
        },
        ("h", "c"),
        "source",
        CNTK,
        {"use_peepholes": True},
        note="gates i, bit, f, o; without the self-stabiliser",
    ),
    Dialect(
        "dl4j.LSTM",
        "lstm",
        {
            "W": "[W_gᵀ W_fᵀ W_oᵀ W_iᵀ]",
            "RW": "[U_gᵀ U_fᵀ U_oᵀ U_iᵀ]",
            "b": "[b_gᵀ b_fᵀ b_oᵀ b_iᵀ]",
        },
        ("h", "c"),
        "source",
        DL4J,
        note='its "I" is the candidate and its "G" the input gate',
    ),
    Dialect(
        "dl4j.GravesLSTM",
        "lstm_peephole",
        {
            "W": "[W_gᵀ W_fᵀ W_oᵀ W_iᵀ]",
            "RW": "[U_gᵀ U_fᵀ U_oᵀ U_iᵀ p_f p_o p_i]",
            "b": "[b_gᵀ b_fᵀ b_oᵀ b_iᵀ]",
        },
        ("h", "c"),
        "source",
        DL4J,
        note="the last three columns of RW are peepholes, of f, o and i",
    ),
    Dialect(
        "lasagne.GRULayer",
        "gru_after",
        {
            f"{kind}_{place}": f"{letter}_{gate}{'' if letter == 'b' else 'ᵀ'}"
            for place, gate in (("resetgate", "r"), ("updategate", "u"), ("hidden_update", "h"))
            for kind, letter in (
                ("W_in_to", "W"),
                ("W_hid_to", "U"),
                ("b", "b"),
            )
        },
        ("h",),
        "source",
        LASAGNE,
        fixed={"c_h": "0"},
        note="the only one known that resets after the product and takes the candidate at 1",
    ),
    Dialect(
        "lasagne.LSTMLayer",
        "lstm_peephole",
        {
            **{
                f"{kind}_{place}": f"{letter}_{gate}{'' if letter == 'b' else 'ᵀ'}"
                for place, gate in (
                    ("ingate", "i"),
                    ("forgetgate", "f"),
                    ("cell", "g"),
                    ("outgate", "o"),
                )
                for kind, letter in (("W_in_to", "W"), ("W_hid_to", "U"), ("b", "b"))
            },
            "W_cell_to_ingate": "p_i",
            "W_cell_to_forgetgate": "p_f",
            "W_cell_to_outgate": "p_o",
        },
        ("h", "c"),
        "source",
        LASAGNE,
        note="peepholes are on by default",
    ),
    Dialect(
        "haste.GRU",
        "gru_after_keep",
        {
            "kernel": "[W_uᵀ W_rᵀ W_hᵀ]",
            "recurrent_kernel": "[U_uᵀ U_rᵀ U_hᵀ]",
            "bias": "[b_u; b_r; b_h]",
            "recurrent_bias": "[b_u; b_r; c_h]",
        },
        ("h",),
        "source",
        HASTE,
        note="gates z, r, g; without zoneout",
    ),
    Dialect(
        "haste.LSTM",
        "lstm",
        {
            "kernel": "[W_iᵀ W_gᵀ W_fᵀ W_oᵀ]",
            "recurrent_kernel": "[U_iᵀ U_gᵀ U_fᵀ U_oᵀ]",
            "bias": "[b_i; b_g; b_f; b_o]",
        },
        ("h", "c"),
        "source",
        HASTE,
        note="gates i, g, f, o; the forget bias of 1 is stored; without zoneout",
    ),
)
