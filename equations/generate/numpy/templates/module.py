"""A module as a whole, and the function that draws its parameters."""

from __future__ import annotations

MODULE = '''
"""<title>
<equations>

<header>
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, cast, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_CELL = "{name}"
_DTYPES = (np.float32, np.float64)
_ARRAYS = frozenset({{np.ndarray, *_DTYPES, type(None)}})
<axes>


<classes>


<init>


<functions>


<runtime>
'''

INIT = '''
def init(rng: np.random.Generator, *, {sizes}dtype: DTypeLike = np.float64) -> Params:
    """Random parameters: weights uniform within 1/sqrt(fan in), everything else zero.

    Args:
        rng: the random generator that is drawn from.
        <lengths>
        dtype: float32 or float64.
    """
    <check>
    <parameters>
'''
