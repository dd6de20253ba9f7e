"""A contraction as NumPy text: matrix products where there are sums, broadcasting where not.

Every operand is a text and its index letters, where `B` is the batch and stands first. A
contraction of several operands is carried out pair by pair, small results first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from equations.language import LETTERS

BATCH = "B"


@dataclass(frozen=True)
class Operand:
    """A piece of NumPy text and the letters of its axes; `tight` text needs no parentheses."""

    text: str
    letters: str
    tight: bool = True

    def __str__(self) -> str:
        """The text, ready to be put next to an operator of any strength."""
        return self.text if self.tight else f"({self.text})"


def contract(operands: list[Operand], output: str) -> Operand:
    """The contraction of the operands with these result letters."""
    operands = list(operands)
    while len(operands) > 1:
        pair = min(
            ((a, b) for a in range(len(operands)) for b in range(a + 1, len(operands))),
            key=lambda pair: _cost(operands, pair, output),
        )
        second = operands.pop(pair[1])
        first = operands.pop(pair[0])
        kept = _needed(operands, output)
        letters = "".join(
            letter
            for letter in dict.fromkeys(BATCH + output + first.letters + second.letters)
            if letter in kept and letter in first.letters + second.letters
        )
        result = output if not operands else letters
        operands.insert(pair[0], _product(first, second, result))
    return _arranged(operands[0], output)


def _needed(others: list[Operand], output: str) -> set[str]:
    return set(output).union(*(other.letters for other in others))


def _cost(
    operands: list[Operand], pair: tuple[int, int], output: str
) -> tuple[int, int, tuple[int, int]]:
    """Prefer the pair with the smallest result, then the one that sums most."""
    first, second = (operands[k] for k in pair)
    others = [operand for k, operand in enumerate(operands) if k not in pair]
    letters = set(first.letters + second.letters)
    kept = letters & _needed(others, output)
    return (len(kept), len(kept) - len(letters), pair)


def _product(first: Operand, second: Operand, output: str) -> Operand:
    first = _summed(first, output + second.letters)
    second = _summed(second, output + first.letters)
    shared = [letter for letter in first.letters if letter in second.letters]
    summed = [letter for letter in shared if letter not in output]
    if not summed:
        text = f"{aligned(first, output)} * {aligned(second, output)}"
        return Operand(text, output, tight=False)
    batch = [letter for letter in output if letter in shared]
    left = [letter for letter in first.letters if letter not in shared]
    right = [letter for letter in second.letters if letter not in shared]
    if not left and not right:
        a, b = aligned(first, first.letters), aligned(second, first.letters)
        text = f"({a} * {b}).sum(axis={_axes(first.letters, summed)})"
        rest = "".join(letter for letter in first.letters if letter not in summed)
        return _arranged(Operand(text, rest), output)
    stacked = _stacked(first, left, right) or _stacked(second, right, left)
    if stacked and len(summed) == 1:
        return _stack(first, second, left, summed, right, output)
    if len(left) > 1 or len(right) > 1 or len(summed) > 1:
        return _einsum(first, second, output)
    if left and right and output.index(left[0]) > output.index(right[0]):
        first, second, left, right = second, first, right, left
    return _matmul(first, second, batch, left, summed, right, output)


def _stacked(operand: Operand, own: list[str], other: list[str]) -> bool:
    """Whether it is a stack of matrices over the batch and the other a single matrix."""
    return BATCH in own and len(own) == 2 and len(other) == 1 and len(operand.letters) == 3


def _stack(
    first: Operand,
    second: Operand,
    left: list[str],
    summed: list[str],
    right: list[str],
    output: str,
) -> Operand:
    """A product of a stack of matrices with one matrix: NumPy repeats the one."""
    left = [letter for letter in left if letter != BATCH]
    right = [letter for letter in right if letter != BATCH]
    batch_first = [BATCH] if BATCH in first.letters else []
    batch_second = [BATCH] if BATCH in second.letters else []
    a = _matrix(first, [*batch_first, *left, *summed])
    b = _matrix(second, [*batch_second, *summed, *right])
    return _arranged(Operand(f"{a} @ {b}", "".join([BATCH, *left, *right]), tight=False), output)


def _matmul(
    first: Operand,
    second: Operand,
    batch: list[str],
    left: list[str],
    summed: list[str],
    right: list[str],
    output: str,
) -> Operand:
    """A product of two matrices, a matrix and a vector, or a stack of either."""
    a = _matrix(first, [*batch, *left, *summed], row=bool(batch and not left))
    b = _matrix(second, [*batch, *summed, *right], column=bool(batch and not right))
    text = f"{a} @ {b}"
    tight = False
    if batch and not left:
        text, tight = f"({text})[:, 0, :]", True
    elif batch and not right:
        text, tight = f"({text})[:, :, 0]", True
    return _arranged(Operand(text, "".join([*batch, *left, *right]), tight), output)


def _matrix(
    operand: Operand, letters: list[str], *, row: bool = False, column: bool = False
) -> str:
    text = str(_arranged(operand, "".join(letters)))
    if row:
        return f"{text}[:, None, :]"
    return f"{text}[:, :, None]" if column else text


def _summed(operand: Operand, wanted: str) -> Operand:
    """Sum the axes that nothing else has."""
    alone = [letter for letter in operand.letters if letter not in wanted]
    if not alone:
        return operand
    rest = "".join(letter for letter in operand.letters if letter not in alone)
    axes = "" if not rest else f"axis={_axes(operand.letters, alone)}"
    return Operand(f"{operand}.sum({axes})", rest)


def _arranged(operand: Operand, letters: str) -> Operand:
    """Sum what is not wanted and bring the axes into this order."""
    operand = _summed(operand, letters)
    if operand.letters == letters:
        return operand
    order = [operand.letters.index(letter) for letter in letters]
    if order == [1, 0]:
        return Operand(f"{operand}.T", letters)
    if order == [0, 2, 1]:
        return Operand(f"{operand}.mT", letters)
    return Operand(f"{operand}.transpose({', '.join(map(str, order))})", letters)


def aligned(operand: Operand, letters: str) -> str:
    """The operand with a new axis wherever it lacks one of the letters."""
    own = "".join(letter for letter in letters if letter in operand.letters)
    arranged = _arranged(operand, own)
    missing = [letter not in own for letter in letters]
    if not any(missing) or not own:
        return str(arranged)
    while missing and missing[0]:  # broadcasting adds leading axes by itself
        missing.pop(0)
    if not any(missing):
        return str(arranged)
    index = ", ".join("None" if gone else ":" for gone in missing)
    return f"{arranged}[{index}]"


def _axes(letters: str, chosen: list[str]) -> str:
    axes = tuple(letters.index(letter) for letter in chosen)
    if len(axes) == 1:
        last = axes[0] == len(letters) - 1
        return "-1" if last and axes[0] else str(axes[0])
    return str(axes)


def _einsum(first: Operand, second: Operand, output: str) -> Operand:
    """What is no matrix product, such as a sum over two axes at once."""
    signature = f"{first.letters},{second.letters}->{output}"
    unused = next(letter for letter in LETTERS if letter not in signature)
    signature = re.sub(BATCH, unused, signature)
    return Operand(f'np.einsum("{signature}", {first.text}, {second.text})', output)
