"""From a target to what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from verify import dialects
from verify.dialects.arrays import FIRST, Params
from verify.dialects.convert import unpacked
from verify.dialects.equivalence import choice, differing, values_of
from verify.dialects.layout import DialectError
from verify.dialects.record import Dialect
from verify.identification import callables, candidates
from verify.identification.nearest import nearest
from verify.identification.probe import ROUGH, Probe, distance, drawn, predicted, sizes_of, units
from verify.identification.result import Identification, Mismatch
from verify.identification.search import Ranked, search
from verify.identification.target import Target

DRAWS = 4
REACHES = (1, 1, 1, 30)
"""How large inputs and states are; in the last a threshold on a state is seen."""
MOST = 2_000_000
"""With so many weights at most it is also run with those it holds."""


def identify(
    target: Any,  # noqa: ANN401 - a module, a layer, a function, or where one is
    weights: Mapping[str, Any] | None = None,
    *,
    expect: Any = None,  # noqa: ANN401 - a name, or a target
    node: str = "",
    sequence: bool | None = None,
) -> Identification:
    """Which dialect a recurrent cell is.

    Args:
        target: a module of torch, flax or equinox, a layer of Keras, what haiku has transformed, an
            ONNX file, a function `step(x, state..., **weights)` or `unroll(xs, state...,
            **weights)`, or `module:attribute` as text.
        weights: the arrays of a function by name, the variables of a module of flax.linen, or the
            parameters of haiku; their shapes alone matter for what it is.
        expect: the dialect that its weights were made for, or another target that it must agree
            with; where it computes another function, the result says so.
        node: the name of a node of an ONNX model that has several.
        sequence: whether a function takes all steps at once; otherwise its first argument's name
            says so (`xs`).

    Returns:
        What it is, or the nearest dialect and an input that tells them apart. It prints itself.

    Raises:
        DialectError: the target cannot be loaded or run, or its arrays fit no dialect.
    """
    made = targets(target, weights, node, sequence=sequence)
    if len(made) != 1:
        names = ", ".join(each.title for each in made)
        raise DialectError(f"expected one recurrent node, got several; choose one: {names}")
    return _compared(_identified(made[0]), _expected(expect))


def identify_each(
    target: Any,  # noqa: ANN401
    weights: Mapping[str, Any] | None = None,
    *,
    expect: Any = None,  # noqa: ANN401
    node: str = "",
) -> Iterator[Identification | DialectError]:
    """The same for every recurrent node of a model; for one that cannot be run, why."""
    wanted = _expected(expect)
    for each in targets(target, weights, node):
        try:
            found = _compared(_identified(each), wanted)
        except DialectError as error:
            yield error
        else:
            yield found


def targets(
    target: Any,  # noqa: ANN401
    weights: Mapping[str, Any] | None = None,
    node: str = "",
    *,
    sequence: bool | None = None,
) -> list[Target]:
    """What was named, ready to be run.

    Raises:
        DialectError: it cannot be loaded or run.
    """
    if isinstance(target, Path) or (isinstance(target, str) and target.endswith(".onnx")):
        from verify.identification.frameworks import onnx  # noqa: PLC0415 - an extra

        if not Path(target).is_file():
            raise DialectError(f"{target}: no such file")
        return onnx.of_nodes(Path(target), node)
    thing = callables.imported(target) if isinstance(target, str) else target
    homes = {base.__module__.partition(".")[0] for base in type(thing).__mro__}
    # A layer of Keras on PyTorch is a module of torch too.
    if "keras" in homes:
        from verify.identification.frameworks import keras  # noqa: PLC0415

        return [keras.of_layer(thing)]
    if "torch" in homes:
        from verify.identification.frameworks import pytorch  # noqa: PLC0415

        return [pytorch.of_module(thing)]
    if "flax" in homes:
        from verify.identification.frameworks import flax  # noqa: PLC0415

        return [flax.of_module(thing, weights)]
    if "equinox" in homes:
        from verify.identification.frameworks import equinox  # noqa: PLC0415

        return [equinox.of_module(thing)]
    if "haiku" in homes:
        from verify.identification.frameworks import haiku  # noqa: PLC0415

        return [haiku.of_transformed(thing, weights)]
    if not callable(thing):
        raise DialectError(
            f"{type(thing).__name__}: expected a module of torch, flax or equinox, a layer of "
            "Keras, an ONNX file or a function step(x, state..., **weights)"
        )
    return [callables.of_callable(thing, weights, sequence=sequence)]


def _identified(target: Target) -> Identification:
    rng = np.random.default_rng(0)
    probes = [drawn(target, rng, reach=reach) for reach in REACHES]
    own = [target.run(probe.arrays, probe.xs, probe.states) for probe in probes]

    def worst(record: Dialect) -> float:
        if distance(predicted(record, probes[0]), own[0])[0]:
            return np.inf
        return max(
            units(target, record, probe, found) for probe, found in zip(probes, own, strict=True)
        )

    named = candidates.by_name(target)
    for record in named:
        if (error := worst(record)) <= 1:
            return _matched(target, record, error)
    # By shape alone: names may mislead, and orders of gates may be its own.
    ranked = search(target, probes[0])
    for record in (each.record for each in ranked if each.same):
        if (error := worst(record)) <= 1:
            return _matched(target, record, error)
    best = _nearest(target, named, ranked, probes[0])
    known = candidates.alike(best, target)
    name = best.name if best in named else known[0].name if known else f"the cell {best.cell}"
    return Identification(
        target,
        None,
        None,
        None,
        exact=False,
        params=None,
        inputs=len(REACHES),
        nearest=nearest(target, best, name),
    )


def _nearest(
    target: Target, named: list[Dialect], ranked: Sequence[Ranked], probe: Probe
) -> Dialect:
    """The candidate that is least off after one step."""
    step = probe.shortened(probe.arrays)
    own = target.run(step.arrays, step.xs, step.states)
    off = [(distance(predicted(record, step), own), record) for record in named]
    for each in ranked:
        try:
            off.append((distance(predicted(each.record, step), own), each.record))
        except DialectError:  # the arrays alone leave a length of its open, such as n_p
            continue
        break
    if not off:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in target.small.items())
        raise DialectError(f"{target.title}: no dialect matches, and none is near; got {shapes}")
    return min(off, key=lambda pair: pair[0])[1]


def _matched(target: Target, record: Dialect, worst: float) -> Identification:
    same = candidates.alike(record, target)
    known = record if record.name in dialects else same[0] if same else None
    places = unpacked(record, target.arrays)
    return Identification(
        target,
        record,
        known.name if known else None,
        record.cell,
        exact=True,
        params=next(iter(places.values())),
        places=places,
        inputs=len(REACHES),
        worst=worst,
        alike=tuple(other.name for other in same if other is not known),
        rivals=_rivals(target, record, places.get(FIRST)),
        siblings=tuple(
            other.name
            for other in candidates.by_name(target)
            if other.base == target.base == record.base and choice(record.cell, other.cell) is None
        ),
    )


def _rivals(target: Target, record: Dialect, params: Params) -> tuple[str, ...]:
    """Cells that compute the same with the weights it holds, though not with others."""
    arrays = {
        name: array for name, array in target.arrays.items() if name in record.array_names(FIRST)
    }
    if params is None or sum(array.size for array in arrays.values()) > MOST:
        return ()
    rng = np.random.default_rng(1)
    n_x, lengths = _own_sizes(record, params)
    one = replace(target, n_x=n_x, lengths=lengths)
    probes = [drawn(one, rng, arrays) for _ in range(DRAWS)]
    found = []
    for other in candidates.in_place_of(record):
        try:
            same = all(
                distance(predicted(other, probe), predicted(record, probe))[1] < ROUGH / 1000
                for probe in probes
            )
        except DialectError:
            continue
        function = choice(record.cell, other.cell) if same else None
        if same and (function is None or function.conditions):
            found.append(
                f"with the weights it holds the cell {other.cell} computes the same, at "
                f"{DRAWS} random inputs; with other weights it does not"
            )
    return tuple(found)


def _own_sizes(record: Dialect, params: Params) -> tuple[int, tuple[int, ...]]:
    """The length of the input and of each state that these parameters take."""
    sizes = sizes_of(record, values_of(params))
    return sizes["n_x"], tuple(sizes[record.symbolic[name].axes[0]] for name in record.states)


def _expected(expect: Any) -> Dialect | None:  # noqa: ANN401
    """The dialect that was named, or that another target is."""
    if expect is None:
        return None
    if isinstance(expect, str) and ":" not in expect and not expect.endswith(".onnx"):
        try:
            return dialects[expect]
        except KeyError as error:
            raise DialectError(str(error.args[0])) from None
    other = identify(expect)
    if other.record is None:
        raise DialectError(f"{other.target.title}: what is expected is no known dialect itself")
    return other.record


def _compared(found: Identification, wanted: Dialect | None) -> Identification:
    """What was found, held against what was expected, if anything was."""
    if wanted is None:
        return found
    found = replace(found, expected=wanted.name)
    if found.record is None:
        return replace(found, mismatch=Mismatch(wanted.name, None, None, {}))
    made = choice(wanted.cell, found.record.cell)
    if made is not None and not made.conditions:
        return found
    own, repair, gap = found.record, {}, None
    plain = replace(found.target, numbers={})
    for variant in candidates.by_name(plain) if found.dialect else ():
        fits = choice(wanted.cell, variant.cell)
        if variant.base == own.base and fits is not None and not fits.conditions:
            repair = {k: v for k, v in variant.options.items() if own.options.get(k) != v}
            repair |= {k: None for k in own.options if k not in variant.options}
            gap = _gap(found, variant)
            break
    return replace(
        found,
        mismatch=Mismatch(wanted.name, differing(found.record.cell, wanted.cell), gap, repair),
    )


def _gap(found: Identification, variant: Dialect) -> float:
    """How far the two are apart with the weights that the target holds."""
    record = found.record
    if record is None or found.params is None:
        return 0.0
    n_x, lengths = _own_sizes(record, found.params)
    sized = replace(found.target, n_x=n_x, lengths=lengths)
    probe = drawn(sized, np.random.default_rng(0), found.target.arrays)
    pairs = zip(predicted(record, probe), predicted(variant, probe), strict=True)
    return max(float(np.max(np.abs(a - b))) for a, b in pairs)
