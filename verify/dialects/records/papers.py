"""Papers and courses, whose arrays are the matrices they print."""

from __future__ import annotations

from verify.dialects.record import Dialect

RECORDS = (
    Dialect(
        "greff.LSTM",
        "lstm_peephole",
        {
            **{f"W_{name}": f"W_{gate}" for name, gate in zip("zifo", "gifo", strict=True)},
            **{f"R_{name}": f"U_{gate}" for name, gate in zip("zifo", "gifo", strict=True)},
            **{f"p_{gate}": f"p_{gate}" for gate in "ifo"},
            **{f"b_{name}": f"b_{gate}" for name, gate in zip("zifo", "gifo", strict=True)},
        },
        ("h", "c"),
        "documentation",
        "K. Greff et al., LSTM: A Search Space Odyssey, arXiv:1503.04069",
        note="z is the candidate and y the state h; its R is a matrix times the state",
    ),
    Dialect(
        "greff.LSTM",
        "lstm_coupled",
        {
            **{f"W_{name}": f"W_{gate}" for name, gate in zip("zio", "gio", strict=True)},
            **{f"R_{name}": f"U_{gate}" for name, gate in zip("zio", "gio", strict=True)},
            **{f"p_{gate}": f"p_{gate}" for gate in "io"},
            **{f"b_{name}": f"b_{gate}" for name, gate in zip("zio", "gio", strict=True)},
        },
        ("h", "c"),
        "documentation",
        "K. Greff et al., LSTM: A Search Space Odyssey, arXiv:1503.04069, variant CIFG",
        {"variant": "CIFG"},
    ),
    Dialect(
        "deeplearning.ai.LSTM",
        "lstm",
        {
            "Wf": "[U_f W_f]",
            "bf": "column b_f",
            "Wi": "[U_i W_i]",
            "bi": "column b_i",
            "Wc": "[U_g W_g]",
            "bc": "column b_g",
            "Wo": "[U_o W_o]",
            "bo": "column b_o",
        },
        ("h", "c"),
        "source",
        "Sequence Models, DeepLearning.AI, as in public repositories of the course",
        note="[a_prev; x], the state first; Γ_u is the input gate there; biases are columns",
    ),
)
