"""Which steps are run for which samples, when samples have lengths of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from equations.layers.arrays import Array, Arrays, map_arrays


@dataclass(frozen=True, eq=False)
class Block:
    """Steps that the same samples take together.

    Attributes:
        steps: a range of steps.
        rows: the samples.
    """

    steps: slice
    rows: slice | Array

    @property
    def empty(self) -> bool:
        """Whether it has no step."""
        return bool(self.steps.start == self.steps.stop)

    def of(self, array: Array) -> Array:
        """Its part of an array over time and batch."""
        return array[self.steps, self.rows]

    def rows_of(self, state: Arrays) -> Arrays:
        """Its part of a state."""
        return map_arrays(lambda whole: whole[self.rows], state)

    def replaced(self, state: Arrays, own: Arrays) -> Arrays:
        """A new state, which has this part where `state` has its samples."""

        def one(old: Array, new: Array) -> Array:
            whole = np.array(old)
            whole[self.rows] = new
            return whole

        return map_arrays(one, state, own)


def blocks(
    steps: int, batch: int, lengths: Array | None, *, apart: bool, where: str
) -> tuple[Block, ...]:
    """Blocks, at least one, that hold every step of every sample once, in the order of time.

    As samples end, the blocks become narrower: no step is run for a sample that has ended.

    Args:
        steps: the number of steps that a sample may have.
        batch: the number of samples.
        lengths: the number of steps of each; None for all steps.
        apart: whether all steps of a sample must be in one block.
        where: the beginning of an error.

    Raises:
        TypeError: lengths are no array of integers.
        ValueError: they have another shape, or one of them is out of range.
    """
    if lengths is None:
        return (Block(slice(0, steps), slice(None)),)
    check_lengths(steps, batch, lengths, where)
    ends = [int(end) for end in np.unique(lengths) if end > 0]
    if not ends:
        return (Block(slice(0, 0), slice(None)),)
    if apart:
        return tuple(Block(slice(0, end), _rows(lengths == end)) for end in ends)
    return tuple(
        Block(slice(start, end), _rows(lengths >= end))
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    )


def _rows(chosen: Array) -> slice | Array:
    return slice(None) if chosen.all() else np.flatnonzero(chosen)


def check_lengths(steps: int, batch: int, lengths: object, where: str) -> None:
    """Raise what `blocks` raises."""
    if not isinstance(lengths, np.ndarray) or lengths.dtype.kind not in "iu":
        got = getattr(lengths, "dtype", type(lengths).__name__)
        raise TypeError(f"{where}: lengths: expected a NumPy array of integers, got {got}")
    if lengths.shape != (batch,):
        raise ValueError(f"{where}: lengths: expected shape (B={batch}), got {lengths.shape}")
    for sample, length in enumerate(lengths):
        if not 0 <= length <= steps:
            expected = f"expected 0 to T={steps}"
            raise ValueError(f"{where}: lengths: {expected}, got {length} for sample {sample}")
