"""Numbers that others have printed with all of their inputs, reproduced to the printed digits."""

from __future__ import annotations

from typing import Any

import numpy as np
from digits import differing, printed

from equations.generated import gru, lstm, rnn

Array = Any


def linspace(low: float, high: float, *shape: int) -> Array:
    """Evenly spaced numbers, row by row."""
    return np.linspace(low, high, num=int(np.prod(shape))).reshape(shape)


class TestTwoStepLSTM:
    """A. Gomez, "Backpropogating an LSTM: A Numerical Example", 2016: one unit, two inputs.

    The loss is half the sum of squared errors, the learning rate 0.1. The article's order of the
    gates is candidate, input, forget, output.
    """

    params = lstm.Params(
        W_f=np.array([[0.7, 0.45]]),
        W_i=np.array([[0.95, 0.8]]),
        W_o=np.array([[0.6, 0.4]]),
        W_g=np.array([[0.45, 0.25]]),
        U_f=np.array([[0.1]]),
        U_i=np.array([[0.8]]),
        U_o=np.array([[0.25]]),
        U_g=np.array([[0.15]]),
        b_f=np.array([0.15]),
        b_i=np.array([0.65]),
        b_o=np.array([0.1]),
        b_g=np.array([0.2]),
    )
    xs = np.array([[[1.0, 2.0]], [[0.5, 3.0]]])
    targets = np.array([[[0.5]], [[1.25]]])

    def forward(self) -> tuple[Any, Any]:
        """States and tape, from states of zero."""
        zero = lstm.State(h=np.zeros((1, 1)), c=np.zeros((1, 1)))
        return lstm.unroll(self.params, self.xs, zero)

    def gradients(self) -> lstm.Params:
        """Of the parameters."""
        states, tape = self.forward()
        return lstm.unroll_vjp(self.params, tape, lstm.State(h=states.h - self.targets, c=None))[0]

    def test_forward(self) -> None:
        """All gates and states of both steps, to all printed digits."""
        states, tape = self.forward()
        gates = np.stack([tape.g, tape.i, tape.f, tape.o, states.c, states.h], axis=-1)
        first = (
            ".8177540779702877 .9608342772032357 .8519528019683106 .8175744761936437 "
            ".7857261484365797 .5363133978820118"
        )
        second = (
            ".8498040223194213 .9811839683254171 .8703019698552491 .8499333428022842 "
            "1.5176330976694041 .7719811057588907"
        )
        assert differing(gates[0], first) == []
        assert differing(gates[1], second) == []

    def test_loss(self) -> None:
        """Not printed there; computed once more from its equations for this comparison."""
        states, _ = self.forward()
        assert printed(np.sum((states.h - self.targets) ** 2) / 2, "0.11491036305861509")

    def test_gradients(self) -> None:
        """Of every weight and bias, to eight decimals."""
        d = self.gradients()
        for got, text in (
            (d.W_g, "-.02671622 -.09220113"),
            (d.W_i, "-.00220369 -.00663861"),
            (d.W_f, "-.00315327 -.01891963"),
            (d.W_o, "-.02592411 -.16260389"),
            ([d.U_g, d.U_i, d.U_f, d.U_o], "-.01039609 -.00059832 -.00338228 -.02969987"),
            ([d.b_g, d.b_i, d.b_f, d.b_o], "-.03640839 -.00276150 -.00630654 -.05361303"),
        ):
            assert differing(got, text) == []

    def test_update(self) -> None:
        """One step of gradient descent."""
        moved = zip(self.params, self.gradients(), strict=True)
        new = lstm.Params(*(p - 0.1 * dp for p, dp in moved))
        for got, text in (
            (new.W_g, ".45267162 .25922011"),
            (new.W_i, ".95022037 .80066386"),
            (new.W_f, ".70031533 .45189196"),
            (new.W_o, ".60259241 .41626039"),
            ([new.U_g, new.U_i, new.U_f, new.U_o], ".15103961 .80005983 .10033823 .25296999"),
            ([new.b_g, new.b_i, new.b_f, new.b_o], ".20364084 .65027615 .15063065 .1053613"),
        ):
            assert differing(got, text, decimals=8) == []


class TestLinspace:
    """Stanford CS231n, assignment 3: steps from evenly spaced numbers, row vectors."""

    rnn_rows = """
        [[-.58172089, -.50182032, -.41232771, -.31410098],
         [ .66854692,  .79562378,  .87755553,  .92795967],
         [ .97934501,  .99144213,  .99646691,  .99854353]]
    """

    def rnn_state(self) -> Array:
        """The new state of the simple network."""
        params = rnn.Params(
            W_h=linspace(-0.1, 0.9, 10, 4).T,
            U_h=linspace(-0.3, 0.7, 4, 4).T,
            b_h=linspace(-0.2, 0.4, 4),
        )
        old = rnn.State(h=linspace(-0.2, 0.5, 3, 4))
        return rnn.step(params, linspace(-0.4, 0.7, 3, 10), old)[0].h

    def test_rnn(self) -> None:
        """To all eight decimals."""
        assert differing(self.rnn_state(), self.rnn_rows) == []

    def test_rnn_with_a_digit_lost(self) -> None:
        """A public copy has lost a digit, and passes its own tolerance of 1e-6, not ours."""
        state, copy = self.rnn_state(), self.rnn_rows.replace(".87755553", ".8775553")
        assert len(differing(state, copy, decimals=8)) == 1
        assert len(differing(state, copy)) == 1
        assert abs(state[1, 2] - 0.8775553) / (state[1, 2] + 0.8775553) < 1e-6

    def test_lstm(self) -> None:
        """The order of the gates is input, forget, output, candidate."""
        w = np.split(linspace(-2.1, 1.3, 4, 20).T, 4)
        u = np.split(linspace(-0.7, 2.2, 5, 20).T, 4)
        b = np.split(linspace(0.3, 0.7, 20), 4)
        order = [1, 0, 2, 3]  # ours is forget, input, output, candidate
        params = lstm.Params(*(part[k] for part in (w, u, b) for k in order))
        old = lstm.State(h=linspace(-0.3, 0.7, 3, 5), c=linspace(-0.4, 0.9, 3, 5))
        new, _ = lstm.step(params, linspace(-0.4, 1.2, 3, 4), old)
        h = """
            [[.24635157, .28610883, .32240467, .35525807, .38474904],
             [.49223563, .55611431, .61507696, .66844003, .7159181 ],
             [.56735664, .66310127, .74419266, .80889665, .858299  ]]
        """
        c = """
            [[.32986176, .39145139, .451556  , .51014116, .56717407],
             [.66382255, .76674007, .87195994, .97902709, 1.08751345],
             [.74192008, .90592151, 1.07717006, 1.25120233, 1.42395676]]
        """
        assert differing(new.h, h, decimals=8) == []
        assert differing(new.c, c, decimals=8) == []


class TestSmokeValuesOfTensorFlow:
    """TensorFlow's rnn_cell_test: a GRU of two units with all kernels 0.5 and gate biases 1.

    There h' = u h + (1 - u) c, so its update gate is one minus ours: its W, U and b are negated.
    """

    def state(self, n_x: int) -> Array:
        """The state after one step from inputs of 1 and a state of 0.1."""
        kernel, recurrent = np.full((2, n_x), 0.5), np.full((2, 2), 0.5)
        params = gru.Params(
            W_u=-kernel,
            W_r=kernel,
            W_h=kernel,
            U_u=-recurrent,
            U_r=recurrent,
            U_h=recurrent,
            b_u=-np.ones(2),
            b_r=np.ones(2),
            b_h=np.zeros(2),
        )
        return gru.step(params, np.ones((1, n_x)), gru.State(h=np.full((1, 2), 0.1)))[0].h

    def test_two_inputs(self) -> None:
        """To all six decimals."""
        assert differing(self.state(2), "[[.175991, .175991]]") == []

    def test_three_inputs(self) -> None:
        """The same with an input more than there are units."""
        assert differing(self.state(3), "[[.156736, .156736]]") == []


class TestSmallNetworkWithOutput:
    """TensorFlow in Action (Chinese edition), chapter 8: two units, one input, one output."""

    params = rnn.Params(
        W_h=np.array([[0.5], [0.6]]),
        U_h=np.array([[0.1, 0.2], [0.3, 0.4]]).T,
        b_h=np.array([0.1, -0.1]),
    )

    def test_forward(self) -> None:
        """Pre-activations, states and outputs of both steps."""
        xs = np.array([[[1.0]], [[2.0]]])
        states, tape = rnn.unroll(self.params, xs, rnn.State(h=np.zeros((1, 2))))
        before = xs @ self.params.W_h.T + tape.h @ self.params.U_h.T + self.params.b_h
        outputs = states.h @ np.array([1.0, 2.0]) + 0.1
        assert differing(before, "[.6, .5], [1.2923401, 1.39225678]", decimals=8) == []
        assert differing(states.h, "[.53704957, .46211716], [.85973818, .88366641]") == []
        assert differing(outputs, "1.56128388, 2.72707101") == []
