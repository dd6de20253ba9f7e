"""The compiled module as it reads, with places for what depends on the cell.

The small functions are in every module, not in one that they share: numba keeps compiled code on
disk and compiles again when the file of a function has changed, but not when another has.
"""

from __future__ import annotations

from equations.generate.numpy.templates.module import MODULE

BESIDE = '''
<title>
<equations>

<about>
<header>
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, overload

import numpy as np
from numba import extending, njit, types
from numba.core.compiler import CompilerBase, DefaultPassBuilder

<imports>

<exported>

<settings>


<runtime>


<functions>
'''

SAME = '''
<title>
<equations>

<about>
<header>
"""

from __future__ import annotations

<imports>

<exported>
'''

ALONE = MODULE
for _old, _new in {
    "<header>": "<about>\n<header>",
    "from collections.abc import": "import math\nfrom collections.abc import Callable,",
    "NamedTuple, cast": "NamedTuple, TypeVar, cast",
    "from numpy.typing": "from numba import extending, njit, types\n"
    "from numba.core.compiler import CompilerBase, DefaultPassBuilder\nfrom numpy.typing",
    "<classes>": "<settings>\n\n\n<classes>",
    "<functions>": "<compiling>\n\n\n<functions>",
}.items():
    if _old not in ALONE:
        raise ValueError(_old)
    ALONE = ALONE.replace(_old, _new)

SETTINGS = """
_Number = Any  # a number of compiled code, or its type
_Function = TypeVar("_Function", bound=Callable[..., Any])
# A contraction rounds once where a product and a sum round twice; nothing else is rearranged.
_OPTIONS: dict[str, Any] = {{"error_model": "numpy", "fastmath": {{"contract"}}, "nogil": True}}
# Where the products of a step are larger than this, Python runs the loop: its own part is small
# then, and NumPy's products can be faster than those of SciPy, which compiled code calls.
_LARGE = 2**18
"""

COMPILED = '''
def _inlined(function: _Function, **options: object) -> _Function:
    """For use in compiled code."""
    compiled: _Function = njit(function, **_OPTIONS, **options)
    return compiled


def _compiled(function: _Function, **options: object) -> _Function:
    """Compiled for the floats it is called with, and kept on disk where files can be written."""
    try:
        return _inlined(function, cache=True, **options)
    except RuntimeError:
        return _inlined(function, **options)


def _passes(compiler: CompilerBase) -> list[DefaultPassBuilder]:
    """The usual passes, but what a function writes does not overlap what else it is given."""
    compiler.state.flags.noalias = True
    return [DefaultPassBuilder.define_nopython_pipeline(compiler.state)]


_Apart = type("_Apart", (CompilerBase,), {{"define_pipelines": _passes}})


def _segment(function: _Function) -> _Function:
    """Compiled, for arrays of which none that is written overlaps another in the rows of a step."""
    return _compiled(function, pipeline_class=_Apart)
'''

PLAIN = '''
def _plain(array: Array) -> Array:
    """The array as compiled code takes it: contiguous, aligned and not read-only; else a copy."""
    return array if array.flags.carray else np.array(array, order="C")
'''

FLOATS = '''
def _exponentials(
    real: _Number,
    whole: _Number,
    terms: int,
    ln2: tuple[float, float],
    reach: tuple[float, float],
) -> tuple[Callable[[_Number], _Number], ...]:
    """The exponential and tanh for one kind of floats, in steps that vector units can do.

    Both use e^x = 2^n (1 + p), where n = round(x / ln 2) and p is a Taylor series. They keep their
    digits where they saturate, and do not overflow.

    Args:
        real: the type of floats.
        whole: integers of the same width.
        terms: the last term of the series.
        ln2: ln 2 as a number of few digits and the rest.
        reach: arguments beyond which e^x is 0 and infinite.
    """
    one, two, log2_e = real(1), real(2), real(1 / math.log(2))
    least, most = map(real, reach)
    full = real(-44)  # where 1 - e^x is 1
    high, low = map(real, ln2)
    factors = tuple(real(1 / math.factorial(k)) for k in range(terms, 1, -1))
    digits, bias = np.finfo(real).nmant, np.finfo(real).maxexp - 1
    # Added to a number of moderate size this rounds it to an integer, in the last digits.
    shift = real(1.5 * 2**digits)
    shifted_zero = int(np.array(shift).view(whole))

    @_inlined
    def power(n: _Number) -> _Number:
        return whole((n + bias) << digits).view(real)

    @_inlined
    def split(x: _Number) -> _Number:
        shifted = real(x * log2_e + shift)
        n = shifted - shift
        r = x - n * high - n * low
        series = factors[0]
        for factor in factors[1:]:
            series = series * r + factor
        return whole(shifted.view(whole) - shifted_zero), series * (r * r) + r

    def exp(x: _Number) -> _Number:
        inside = least if x < least else x
        n, p = split(most if inside > most else inside)
        half = n >> 1  # 2^n alone may be too small or too large
        return (one + p) * power(half) * power(n - half)

    def tanh(x: _Number) -> _Number:
        inside = -two * abs(x)
        n, p = split(full if inside < full else inside)
        m = power(n) * p + (power(n) - one)  # e^-2|x| - 1
        return math.copysign(m / (two + m), x)

    return exp, tanh


_FLOAT32 = _exponentials(np.float32, np.int32, 7, (0.693359375, -2.12194440e-4), (-104, 89))
_FLOAT64 = _exponentials(
    np.float64, np.int64, 13, (6.93147180369123816490e-01, 1.90821492927058770002e-10), (-746, 710)
)


def _exp(x: _Number) -> _Number:
    """e^x, in compiled code."""
    raise NotImplementedError


def _tanh(x: _Number) -> _Number:
    """The hyperbolic tangent, in compiled code."""
    raise NotImplementedError


def _for_floats(place: int) -> Callable[[_Number], Callable[[_Number], _Number]]:
    """Chooses an elementary function by the type of its argument."""

    def chosen(x: _Number) -> Callable[[_Number], _Number]:
        return _FLOAT32[place] if x == types.float32 else _FLOAT64[place]

    return chosen


for _place, _function in enumerate((_exp, _tanh)):
    extending.overload(_function, jit_options=_OPTIONS)(_for_floats(_place))
'''
