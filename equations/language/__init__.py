"""The language cells are written in: tensors with named axes, and one node that mixes components.

Componentwise algebra over arrays of one shape is a commutative ring, so `+`, `*`, `**`, `tanh`,
`sigmoid`, `exp`, ... on tensors are plain SymPy and its scalar calculus is exact on them.
Whatever mixes components is a `Contract` with an einsum signature: a product with a matrix, an
outer product, a sum, a scalar gate times a matrix. `Select` chooses between two values by a mask.

Nothing here derives, prints or generates; those are passes over this language.
"""

from equations.language.functions import (
    absolute,
    broadcast,
    clip,
    dot,
    exp,
    hard_sigmoid,
    largest,
    log,
    matmul,
    maximum,
    mean,
    minimum,
    outer,
    relu,
    scale,
    sqrt,
    tanh,
    total,
    where,
)
from equations.language.grammar import accepted
from equations.language.leaves import (
    LETTERS,
    Identity,
    LanguageError,
    Ones,
    Origin,
    Role,
    Size,
    TensorSymbol,
)
from equations.language.nodes import (
    Contract,
    Largest,
    Select,
    axes_of,
    constant_factor,
    ramp,
    sigmoid,
)

__all__ = [
    "LETTERS",
    "Contract",
    "Identity",
    "LanguageError",
    "Largest",
    "Ones",
    "Origin",
    "Role",
    "Select",
    "Size",
    "TensorSymbol",
    "absolute",
    "accepted",
    "axes_of",
    "broadcast",
    "clip",
    "constant_factor",
    "dot",
    "exp",
    "hard_sigmoid",
    "largest",
    "log",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "outer",
    "ramp",
    "relu",
    "scale",
    "sigmoid",
    "sqrt",
    "tanh",
    "total",
    "where",
]
