"""Flax, Haiku and Sonnet: x W, with the names of their trees joined by `/`."""

from __future__ import annotations

from verify.dialects.record import Dialect

FLAX = "flax 0.12.8"
HAIKU = "dm-haiku 0.0.17"
SONNET = "sonnet 2.0.2"

LINEN_LSTM = {
    **{f"i{gate}/kernel": f"W_{gate}ᵀ" for gate in "ifgo"},
    **{f"h{gate}/kernel": f"U_{gate}ᵀ" for gate in "ifgo"},
    **{f"h{gate}/bias": f"b_{gate}" for gate in "ifgo"},
}
NNX_LSTM = {
    **{f"{'if_' if gate == 'f' else 'i' + gate}/kernel": f"W_{gate}ᵀ" for gate in "ifgo"},
    **{f"h{gate}/kernel": f"U_{gate}ᵀ" for gate in "ifgo"},
    **{f"h{gate}/bias": f"b_{gate}" for gate in "ifgo"},
}
LINEN_GATES = {"r": "r", "u": "z", "h": "n"}
LINEN_GRU = {
    **{f"i{name}/kernel": f"W_{gate}ᵀ" for gate, name in LINEN_GATES.items()},
    **{f"h{name}/kernel": f"U_{gate}ᵀ" for gate, name in LINEN_GATES.items()},
    **{f"i{name}/bias": f"b_{gate}" for gate, name in LINEN_GATES.items()},
    "hn/bias": "c_h",
}
SIMPLE = {"kernel": "W_hᵀ", "bias?": "b_h"}
DEEPMIND_GRU_NOTE = "gates z, r, a; z takes the candidate, where Keras and PyTorch keep the state"

RECORDS = (
    Dialect(
        "flax.linen.SimpleCell",
        "rnn",
        {"i/kernel": "W_hᵀ", "i/bias?": "b_h", "h/kernel": "U_hᵀ"},
        ("h",),
        "run",
        FLAX,
        note="with residual=True it is another function",
    ),
    Dialect(
        "flax.nnx.SimpleCell",
        "rnn",
        {"dense_i/kernel": "W_hᵀ", "dense_i/bias?": "b_h", "dense_h/kernel": "U_hᵀ"},
        ("h",),
        "run",
        FLAX,
        note="its dtype is float32 unless told otherwise, whatever comes in",
    ),
    Dialect("flax.linen.GRUCell", "gru_after_keep", LINEN_GRU, ("h",), "run", FLAX),
    Dialect(
        "flax.nnx.GRUCell",
        "gru_after_keep",
        {
            "dense_i/kernel": "[W_rᵀ W_uᵀ W_hᵀ]",
            "dense_i/bias?": "[b_r; b_u; b_h]",
            "dense_h/kernel": "[U_rᵀ U_uᵀ U_hᵀ]",
        },
        ("h",),
        "run",
        FLAX,
        fixed={"c_h": "0"},
        note="no bias on the side of the state, so torch's bias_hh of the candidate has no place",
    ),
    Dialect(
        "flax.linen.MGUCell",
        "mgu_after_keep",
        {
            "if/kernel": "W_fᵀ",
            "if/bias": "b_f",
            "in/kernel": "W_hᵀ",
            "in/bias": "b_h",
            "hf/kernel": "U_fᵀ",
            "hn/kernel": "U_hᵀ",
            "hn/bias": "c_h",
        },
        ("h",),
        "run",
        FLAX,
        note="the bias of f starts at 1; with reset_gate=False it is another function",
    ),
    Dialect("flax.linen.LSTMCell", "lstm", LINEN_LSTM, ("c", "h"), "run", FLAX),
    Dialect("flax.linen.OptimizedLSTMCell", "lstm", LINEN_LSTM, ("c", "h"), "run", FLAX),
    Dialect("flax.nnx.LSTMCell", "lstm", NNX_LSTM, ("c", "h"), "run", FLAX),
    Dialect(
        "flax.nnx.OptimizedLSTMCell",
        "lstm",
        {
            "dense_i/kernel": "[W_iᵀ W_fᵀ W_gᵀ W_oᵀ]",
            "dense_h/kernel": "[U_iᵀ U_fᵀ U_gᵀ U_oᵀ]",
            "dense_h/bias?": "[b_i; b_f; b_g; b_o]",
        },
        ("c", "h"),
        "run",
        FLAX,
    ),
    Dialect(
        "flax.linen.ConvLSTMCell",
        "lstm",
        {
            "ih/kernel": "[[[W_iᵀ W_gᵀ W_fᵀ W_oᵀ]]]",
            "ih/bias?": "[b_i; b_g; b_f; b_o]",
            "hh/kernel": "[[[U_iᵀ U_gᵀ U_fᵀ U_oᵀ]]]",
            "hh/bias?": "[b_i; b_g; b_f; b_o]",
        },
        ("c", "h"),
        "run",
        FLAX,
        {"kernel_size": "1x1"},
        {"b_f": 1.0},
        note="gates i, g, f, o; every pixel is a sample of the batch",
    ),
    Dialect(
        "haiku.VanillaRNN",
        "rnn_relu",
        {"linear/w": "W_hᵀ", "linear/b?": "b_h", "linear_1/w": "U_hᵀ", "linear_1/b?": "b_h"},
        ("h",),
        "run",
        HAIKU,
    ),
    Dialect(
        "haiku.GRU",
        "gru",
        {"w_i": "[W_uᵀ W_rᵀ W_hᵀ]", "w_h": "[U_uᵀ U_rᵀ U_hᵀ]", "b": "[b_u; b_r; b_h]"},
        ("h",),
        "run",
        HAIKU,
        note=f"{DEEPMIND_GRU_NOTE}; its documentation swaps the names of z and r",
    ),
    Dialect(
        "haiku.LSTM",
        "lstm",
        {
            "linear/w": "[W_iᵀ W_gᵀ W_fᵀ W_oᵀ; U_iᵀ U_gᵀ U_fᵀ U_oᵀ]",
            "linear/b": "[b_i; b_g; b_f; b_o]",
        },
        ("h", "c"),
        "run",
        HAIKU,
        added={"b_f": 1.0},
        note="gates i, g, f, o",
    ),
    Dialect(
        "sonnet.VanillaRNN",
        "rnn",
        {"input_to_hidden/w": "W_hᵀ", "hidden_to_hidden/w": "U_hᵀ", "b": "b_h"},
        ("h",),
        "source",
        SONNET,
    ),
    Dialect(
        "sonnet.GRU",
        "gru",
        {"w_i": "[W_uᵀ W_rᵀ W_hᵀ]", "w_h": "[U_uᵀ U_rᵀ U_hᵀ]", "b": "[b_u; b_r; b_h]"},
        ("h",),
        "reported",
        SONNET,
        note=DEEPMIND_GRU_NOTE,
    ),
    Dialect(
        "sonnet.LSTM",
        "lstm",
        {
            "w_i": "[W_iᵀ W_fᵀ W_gᵀ W_oᵀ]",
            "w_h": "[U_iᵀ U_fᵀ U_gᵀ U_oᵀ]",
            "b": "[b_i; b_f; b_g; b_o]",
        },
        ("h", "c"),
        "reported",
        SONNET,
        note="gates i, f, g, o, unlike Haiku, and the forget bias of 1 is stored",
    ),
)
