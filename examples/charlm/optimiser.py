"""Adam, and what is done to a gradient and a learning rate before it.

Source: D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, ICLR 2015,
arXiv:1412.6980v9, algorithm 1.
"""

import math
from dataclasses import dataclass
from typing import Generic, NamedTuple

import numpy as np

from examples.charlm.trees import Array, Tree, leaves, map_leaves


class Moments(NamedTuple, Generic[Tree]):
    """The running means of the gradient and of its square, in the form of the weights."""

    first: Tree
    second: Tree


@dataclass(frozen=True)
class Adam:
    """The constants of the method.

    Attributes:
        beta1: The decay of the first moment.
        beta2: The decay of the second. The paper's 0.999 remembers a thousand gradients, half of a
            short run; 0.99 was better here.
        epsilon: Keeps the quotient finite where a gradient has always been zero.
    """

    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8

    def start(self, weights: Tree) -> Moments[Tree]:
        """The moments before the first update: zero."""
        return Moments(map_leaves(np.zeros_like, weights), map_leaves(np.zeros_like, weights))

    def update(
        self, weights: Tree, gradients: Tree, moments: Moments[Tree], step: int, rate: float
    ) -> tuple[Tree, Moments[Tree]]:
        """Take one step downhill.

        Args:
            weights: The weights.
            gradients: The derivative of the loss with respect to them.
            moments: Those after the previous update.
            step: The number of this update, from 1.
            rate: The learning rate of this update.

        Returns:
            The new weights and moments.
        """

        def mean(m: Array, g: Array) -> Array:
            return self.beta1 * m + (1 - self.beta1) * g

        def mean_square(v: Array, g: Array) -> Array:
            return self.beta2 * v + (1 - self.beta2) * (g * g)

        # The moments begin at zero; dividing by these takes the pull towards zero out again.
        correction1 = 1 - self.beta1**step
        correction2 = 1 - self.beta2**step

        def descend(w: Array, m: Array, v: Array) -> Array:
            lower: Array = w - rate * (m / correction1) / (np.sqrt(v / correction2) + self.epsilon)
            return lower

        first = map_leaves(mean, moments.first, gradients)
        second = map_leaves(mean_square, moments.second, gradients)
        return map_leaves(descend, weights, first, second), Moments(first, second)


def clip_by_global_norm(gradients: Tree, limit: float) -> Tree:
    """Shorten a gradient to a length, keeping its direction.

    The length is that of all arrays as one vector. A gradient through time explodes now and then
    (R. Pascanu et al., arXiv:1211.5063), and one such step would undo many good ones.
    """
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in leaves(gradients)))
    if norm <= limit:
        return gradients
    return map_leaves(lambda g: g * (limit / norm), gradients)


def learning_rate(step: int, steps: int, peak: float, warm_up: int) -> float:
    """The learning rate of update `step` of `steps`, counted from 1.

    It rises in a straight line for the first `warm_up` updates, while Adam's second moment is a
    mean of few gradients, and falls to zero along half a cosine over the whole run.
    """
    fall = (1 + math.cos(math.pi * (step - 1) / steps)) / 2
    return peak * min(1.0, step / warm_up) * fall
