"""What the comparison of a framework's layer with its equations found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from verify.dialects.record import Dialect
from verify.evidence.verdict import judge
from verify.extras import MissingExtraError
from verify.frameworks.compare import Case, compared, solved
from verify.frameworks.framework import Framework
from verify.frameworks.network import Network

Outcome = Literal["agrees", "disagrees", "skipped"]


@dataclass(frozen=True)
class Result:
    """One layer in one network.

    Attributes:
        dialect: the name of the record.
        cell: the cell whose equations it has.
        network: what was computed.
        outcome: whether it agrees; or skipped, when the framework is not installed.
        gradients: whether its gradients were compared too.
        detail: what was compared, or what is wrong, or what to install.
    """

    dialect: str
    cell: str
    network: str
    outcome: Outcome
    gradients: bool
    detail: str

    def __str__(self) -> str:
        """One line for a terminal."""
        return f"{self.dialect}: {self.network}: {self.outcome}: {self.detail}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def results(framework: Framework, dialect: Dialect, seed: int = 0) -> Iterator[Result]:
    """The results of a dialect's layer in every network it is asked for."""
    for network in framework.networks(dialect):
        yield result(framework, dialect, network, solved(dialect, network, seed))


def result(framework: Framework, dialect: Dialect, network: Network, case: Case) -> Result:
    """The result of one, for a problem that is solved already."""
    names = (dialect.name, dialect.cell, str(network))
    try:
        answer = framework.answer(dialect, case.problem)
    except MissingExtraError as error:
        return Result(*names, "skipped", gradients=False, detail=str(error))
    verdicts = [(c.quantity, judge(c)) for c in compared(framework, case, answer)]
    gradients = answer.darrays is not None
    wrong = [quantity for quantity, verdict in verdicts if verdict.disagrees]
    if wrong:
        text = f"{len(wrong)} of {len(verdicts)} arrays differ, the first: {wrong[0]}"
        return Result(*names, "disagrees", gradients, text)
    agreed = sum(int(verdict.decided.sum()) for _, verdict in verdicts)
    worst = max(float(verdict.ratio.max(initial=0)) for _, verdict in verdicts)
    text = f"{agreed} elements agree; the worst error is {worst:.2f} of its bound"
    return Result(*names, "agrees", gradients, text)
