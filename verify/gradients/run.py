"""The experiment for one cell, in pieces of work that can run apart."""

from __future__ import annotations

from verify.gradients.experiment import Decay, Experiment, Passage, Rate
from verify.target import find, module_of


def settings_of(target: str, seed: int) -> tuple[Passage, list[tuple[Rate, Decay]]]:
    """The equations of one step, and norms and rates at a few settings."""
    experiment = _experiment(target, seed)
    return experiment.passage(), list(experiment.decays())


def sweeps_of(target: str, seed: int) -> list[Rate]:
    """Rates at every place of every knob."""
    return list(_experiment(target, seed).sweeps())


def _experiment(target: str, seed: int) -> Experiment:
    cell = find(target)
    return Experiment(cell, module_of(target, cell), seed)
