"""PyTorch and the libraries that store their weights as it does: gates stacked in rows, W x."""

from __future__ import annotations

from verify.dialects.record import Dialect

TORCH = "torch 2.13.0"
PLACES = "_l{layer}{reverse}"
RNN = {"weight_ih": "W_h", "weight_hh": "U_h", "bias_ih?": "b_h", "bias_hh?": "b_h"}
GRU = {
    "weight_ih": "[W_r; W_u; W_h]",
    "weight_hh": "[U_r; U_u; U_h]",
    "bias_ih?": "[b_r; b_u; b_h]",
    "bias_hh?": "[b_r; b_u; c_h]",
}
LSTM = {
    "weight_ih": "[W_i; W_f; W_g; W_o]",
    "weight_hh": "[U_i; U_f; U_g; U_o]",
    "bias_ih?": "[b_i; b_f; b_g; b_o]",
    "bias_hh?": "[b_i; b_f; b_g; b_o]",
}
PEEPHOLES = {"p_f": "0", "p_i": "0", "p_o": "0"}


def placed(arrays: dict[str, str]) -> dict[str, str]:
    """The same arrays with the layer and direction in their names."""
    return {
        f"{name.removesuffix('?')}{PLACES}{'?' if name.endswith('?') else ''}": text
        for name, text in arrays.items()
    }


def renamed(arrays: dict[str, str], **names: str) -> dict[str, str]:
    """The same arrays under other names, in the order of those."""
    by_name = {name.removesuffix("?"): (name, text) for name, text in arrays.items()}
    return {
        new + ("?" if by_name[old][0].endswith("?") else ""): by_name[old][1]
        for old, new in names.items()
    }


GLUON = {
    "weight_ih": "i2h_weight",
    "weight_hh": "h2h_weight",
    "bias_ih": "i2h_bias",
    "bias_hh": "h2h_bias",
}

RECORDS = (
    Dialect("torch.RNN", "rnn", placed(RNN), ("h",), "run", TORCH),
    Dialect("torch.RNNCell", "rnn", RNN, ("h",), "run", TORCH),
    Dialect("torch.RNN", "rnn_relu", placed(RNN), ("h",), "run", TORCH, {"nonlinearity": "relu"}),
    Dialect("torch.RNNCell", "rnn_relu", RNN, ("h",), "run", TORCH, {"nonlinearity": "relu"}),
    Dialect(
        "torch.GRU",
        "gru_after_keep",
        placed(GRU),
        ("h",),
        "run",
        TORCH,
        note="gates r, z, n; c_h stays apart since r multiplies it",
    ),
    Dialect("torch.GRUCell", "gru_after_keep", GRU, ("h",), "run", TORCH),
    Dialect("torch.LSTM", "lstm", placed(LSTM), ("h", "c"), "run", TORCH),
    Dialect("torch.LSTMCell", "lstm", LSTM, ("h", "c"), "run", TORCH),
    Dialect(
        "torch.LSTM",
        "lstm_projection",
        placed(LSTM) | {f"weight_hr{PLACES}": "W_r"},
        ("h", "c"),
        "run",
        TORCH,
        {"proj_size": "n_p"},
        fixed=PEEPHOLES,
        note="weight_hr is (n_p, n_h); Paddle's weight_ho is its transpose",
    ),
    Dialect("paddle.SimpleRNN", "rnn", placed(RNN), ("h",), "reported", "paddle 3.3.1"),
    Dialect("paddle.GRU", "gru_after_keep", placed(GRU), ("h",), "reported", "paddle 3.3.1"),
    Dialect("paddle.LSTM", "lstm", placed(LSTM), ("h", "c"), "reported", "paddle 3.3.1"),
    Dialect(
        "paddle.LSTM",
        "lstm_projection",
        placed(LSTM) | {f"weight_ho{PLACES}": "W_rᵀ"},
        ("h", "c"),
        "reported",
        "paddle 3.3.1",
        {"proj_size": "n_p"},
        fixed=PEEPHOLES,
        note="weight_ho is (n_h, n_p), the transpose of torch's weight_hr",
    ),
    Dialect("gluon.RNNCell", "rnn", renamed(RNN, **GLUON), ("h",), "reported", "mxnet 1.9.1"),
    Dialect(
        "gluon.GRUCell", "gru_after_keep", renamed(GRU, **GLUON), ("h",), "reported", "mxnet 1.9.1"
    ),
    Dialect(
        "gluon.LSTMCell", "lstm", renamed(LSTM, **GLUON), ("h", "c"), "reported", "mxnet 1.9.1"
    ),
    Dialect("tinygrad.LSTMCell", "lstm", LSTM, ("h", "c"), "reported", "tinygrad 0.14.0"),
    Dialect(
        "mlx.RNN",
        "rnn",
        {"Wxh": "W_h", "Whh": "U_h", "bias?": "b_h"},
        ("h",),
        "reported",
        "mlx 0.32.4",
    ),
    Dialect(
        "mlx.GRU",
        "gru_after_keep",
        {
            "Wx": "[W_r; W_u; W_h]",
            "Wh": "[U_r; U_u; U_h]",
            "b?": "[b_r; b_u; b_h]",
            "bhn?": "c_h",
        },
        ("h",),
        "reported",
        "mlx 0.32.4",
        note="before 2026 bhn was left out at the first step when no state was given",
    ),
    Dialect(
        "mlx.LSTM",
        "lstm",
        {
            "Wx": "[W_i; W_f; W_g; W_o]",
            "Wh": "[U_i; U_f; U_g; U_o]",
            "bias?": "[b_i; b_f; b_g; b_o]",
        },
        ("h", "c"),
        "reported",
        "mlx 0.32.4",
        note="returns h and c of every step",
    ),
    Dialect(
        "equinox.GRUCell",
        "gru_after_keep",
        {
            "weight_ih": "[W_r; W_u; W_h]",
            "weight_hh": "[U_r; U_u; U_h]",
            "bias?": "[b_r; b_u; b_h]",
            "bias_n?": "c_h",
        },
        ("h",),
        "run",
        "equinox 0.13.8",
        note="written as n + z (h - n)",
    ),
    Dialect(
        "equinox.LSTMCell",
        "lstm",
        {
            "weight_ih": "[W_i; W_f; W_g; W_o]",
            "weight_hh": "[U_i; U_f; U_g; U_o]",
            "bias?": "[b_i; b_f; b_g; b_o]",
        },
        ("h", "c"),
        "run",
        "equinox 0.13.8",
    ),
)
