"""From one dialect to another: read, choose, write; exact, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify import dialects
from verify.dialects.arrays import FIRST, Params, Place, in_words
from verify.dialects.counterexample import counterexample
from verify.dialects.equivalence import Choice, choice, differing, values_of
from verify.dialects.layout import Array, DialectError, NoConversionError
from verify.dialects.record import Dialect


@dataclass(frozen=True)
class Conversion:
    """Weights of one dialect as weights of another.

    Attributes:
        source, target: the dialects; the target's options must be set where the arrays are used.
        choice: how the parameters of one cell are those of the other, proved on the equations.
        arrays: the target's arrays by name.
        places: the layers and directions that were converted.
    """

    source: Dialect
    target: Dialect
    choice: Choice
    arrays: dict[str, Array]
    places: tuple[Place, ...]

    @property
    def merged(self) -> tuple[str, ...]:
        """Which numbers of the source were added up, so that the function moved by one rounding."""
        return tuple(line for place in self.places for line in self.source.merged(place))

    @property
    def rounded(self) -> tuple[str, ...]:
        """Which numbers were scaled or have something subtracted, each with one rounding."""
        lines = [*self.source.scaled, *self.target.scaled]
        added = self.target.added.items()
        lines += [f"{name}: {number:g} at run time is taken off" for name, number in added]
        return tuple(lines)

    def __str__(self) -> str:
        """What was done, a line each."""
        cells = f"{self.source.cell} -> {self.target.cell}"
        lines = [f"{self.source.name} -> {self.target.name} ({cells})"]
        if self.choice.conditions:
            terms = ", ".join(f"{name} = {term}" for name, term in self.choice.conditions.items())
            lines.append(f"proved on the equations where {terms}, as in these weights")
        elif self.source.cell != self.target.cell:
            lines.append("proved on the equations, for all weights")
        lines += [f"set {key} = {value}" for key, value in self.target.options.items()]
        lines += [f"changed: {line}" for line in self.choice.changed]
        lines += [f"added up: {line}" for line in self.merged]
        lines += [f"rounded: {line}" for line in self.rounded]
        if not (self.merged or self.rounded):
            lines.append("every number is moved or negated, none is rounded")
        notes = {record.name: record.note for record in (self.source, self.target)}
        lines += [f"{name}: {note}" for name, note in notes.items() if note]
        return "\n".join(lines)


def convert(
    arrays: Mapping[str, Any] | Sequence[Any],
    source: str | Dialect,
    target: str | Dialect,
    *,
    only: Place | None = None,
) -> Conversion:
    """The same function in another dialect.

    Args:
        arrays: the source's arrays, as `Dialect.unpack` takes them; all layers and directions.
        source: a dialect or its name.
        target: a dialect or its name; by a name without options, whichever of its variants can.
        only: the one layer and direction that is wanted; it is the first of what comes out.

    Raises:
        KeyError: no dialect has that name.
        DialectError: the arrays are not the source's.
        NoConversionError: no variant of the target computes this function; the message has the
            equations that differ and an input at which they do.
    """
    given = dialects[source] if isinstance(source, str) else source
    wanted = dialects.variants(target) if isinstance(target, str) else (target,)
    wanted = tuple(record.like(given.cell) for record in wanted)
    found = unpacked(given, arrays)
    if only is not None:
        if only not in found:
            places = ", ".join(map(in_words, found))
            raise DialectError(f"{given.name}: expected one of {places}, got {in_words(only)}")
        found = {only: found[only]}
    refusals: dict[int, DialectError] = {}
    for record in sorted(wanted, key=lambda record: _effort(given, record)):
        made = choice(given.cell, record.cell)
        try:
            if made is None:
                raise _impossible(given, record)
            return _converted(given, record, made, found)
        except DialectError as error:
            refusals.setdefault(len(record.options), error)
    # The plainest variant is the one that was meant.
    raise NoConversionError(str(refusals[min(refusals)])) from None


def unpacked(record: Dialect, arrays: Mapping[str, Any] | Sequence[Any]) -> dict[Place, Params]:
    """The parameters of every layer and direction.

    Raises:
        DialectError: the arrays are not the record's.
    """
    named = arrays if isinstance(arrays, Mapping) else {}
    return {
        (layer, reverse): record.unpack(arrays, layer=layer, reverse=reverse)
        for layer, reverse in record.found_places(named)
    }


def _effort(source: Dialect, target: Dialect) -> tuple[bool, bool, int]:
    """Sorts targets: those that always work first, then those that change less."""
    made = choice(source.cell, target.cell)
    if made is None:
        return True, True, 0
    return False, bool(made.conditions), len(made.changed)


def _converted(
    source: Dialect, target: Dialect, made: Choice, found: Mapping[Place, Params]
) -> Conversion:
    packed: dict[Place, Params] = {}
    for place, params in found.items():
        values = values_of(params)
        if unmet := made.unmet(values):
            raise NoConversionError(
                f"{source.name} to {target.name}: exact only where "
                f"{', '.join(f'{name} = {term}' for name, term in made.conditions.items())}; "
                f"with these weights {unmet} does not hold"
            )
        # A direction has a place of its own only beside the other.
        packed[place if len(found) > 1 else FIRST] = target.params(made.apply(values))
    return Conversion(source, target, made, target.pack_all(packed), tuple(found))


def _impossible(source: Dialect, target: Dialect) -> NoConversionError:
    lines = [f"{source.name} to {target.name}: no exact conversion"]
    if equations := differing(source.cell, target.cell):
        lines.append(f"one has {equations[0]}, the other {equations[1]}")
    if example := counterexample(source.cell, target.cell):
        lines.append(str(example))
    return NoConversionError("; ".join(lines))
