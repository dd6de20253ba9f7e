"""Every operator of the language prints in every format, each of them checked here once."""

from __future__ import annotations

import inspect

import pytest
import sympy as sp
from test_printing_latex import problems

from equations import language
from equations.derive.names import CotangentNames, TangentNames, jacobian_name
from equations.derive.normal import normal_form
from equations.derive.reverse import reverse
from equations.derive.tangent import tangent
from equations.language import LanguageError, TensorSymbol
from equations.order import Order
from equations.printing import claim, equation, expression, render
from equations.program import Equation, Program

a = TensorSymbol("a", ("n",), "a_t")
b = TensorSymbol("b", ("n",), r"\hat b_t")
s = TensorSymbol("s", (), r"\sigma_t")
M = TensorSymbol("M", ("m", "n"), role="parameter")
h = TensorSymbol("h", ("n",), "h_{t-1}", role="state")
k = TensorSymbol("k", ("n",), "k'_t")
ORDER = Order({symbol: n for n, symbol in enumerate((a, b, s, M, h, k))})

# Each public function and node of the language: an expression, and its four printed forms.
OPERATORS: dict[str, tuple[sp.Expr, str, str, str]] = {
    "TensorSymbol": (h, "h_{t-1}", "h_{t-1}", "h_{t-1}"),
    "Size": (a / language.Size("n_x"), "a_t/n_x", "a_t/n_x", r"\frac{a_t}{n_x}"),
    "Identity": (language.Identity("n"), "I", "I", "I"),
    "Ones": (language.Ones("n"), "1", "1", r"\mathbf{1}"),
    "Contract": (
        language.Contract("ij,j,j->i", M, a, b),
        "M (a_t ∘ b̂_t)",
        "M (a_t * bhat_t)",
        r"M \, (a_t \circ \hat{b}_t)",
    ),
    "Select": (
        language.Select(sp.Lt(a, b), h, sp.S.Zero),
        "where(a_t < b̂_t, h_{t-1}, 0)",
        "where(a_t < bhat_t, h_{t-1}, 0)",
        r"\operatorname{where}(a_t < \hat{b}_t,\, h_{t-1},\, 0)",
    ),
    "Largest": (language.Largest(a), "max(a_t)", "max(a_t)", r"\max(a_t)"),
    "sigmoid": (language.sigmoid(a), "σ(a_t)", "sigmoid(a_t)", r"\sigma(a_t)"),
    "exp": (language.exp(-a), "exp(-a_t)", "exp(-a_t)", r"\exp(-a_t)"),
    "log": (language.log(a), "log(a_t)", "log(a_t)", r"\log(a_t)"),
    "sqrt": (language.sqrt(a + b), "√(a_t + b̂_t)", "sqrt(a_t + bhat_t)", r"\sqrt{a_t + \hat{b}_t}"),
    "tanh": (
        language.tanh(a) ** 2,
        "tanh²(a_t)",
        "tanh(a_t)^2",
        r"\tanh^{2}(a_t)",
    ),
    "relu": (language.relu(a), "max(a_t, 0)", "max(a_t, 0)", r"\max(a_t,\, 0)"),
    "absolute": (language.absolute(a), "|a_t|", "abs(a_t)", r"\lvert a_t \rvert"),
    "maximum": (
        language.maximum(a, b),
        "max(a_t, b̂_t)",
        "max(a_t, bhat_t)",
        r"\max(a_t,\, \hat{b}_t)",
    ),
    "minimum": (
        language.minimum(a, b),
        "min(a_t, b̂_t)",
        "min(a_t, bhat_t)",
        r"\min(a_t,\, \hat{b}_t)",
    ),
    "clip": (
        language.clip(a, -1, 1),
        "clip(a_t, -1, 1)",
        "clip(a_t, -1, 1)",
        r"\operatorname{clip}(a_t,\, -1,\, 1)",
    ),
    "hard_sigmoid": (
        language.hard_sigmoid(a),
        "clip(a_t/6 + 1/2, 0, 1)",
        "clip(a_t/6 + 1/2, 0, 1)",
        r"\operatorname{clip}\left(\frac{a_t}{6} + \frac{1}{2},\, 0,\, 1\right)",
    ),
    "ramp": (
        language.ramp(a + b, sp.Rational(-2, 5), -1, -3, 3),
        "clip(-2 (a_t + b̂_t)/5 - 1, -3, 3)",
        "clip(-2 * (a_t + bhat_t)/5 - 1, -3, 3)",
        r"\operatorname{clip}\left(-\frac{2 \, (a_t + \hat{b}_t)}{5} - 1,\, -3,\, 3\right)",
    ),
    "where": (
        language.where(sp.Ge(a, b), a - b, -h),
        "where(a_t ≥ b̂_t, a_t - b̂_t, -h_{t-1})",
        "where(a_t >= bhat_t, a_t - bhat_t, -h_{t-1})",
        r"\operatorname{where}(a_t \ge \hat{b}_t,\, a_t - \hat{b}_t,\, -h_{t-1})",
    ),
    "largest": (
        language.largest(a * b),
        "max(a_t ∘ b̂_t)",
        "max(a_t * bhat_t)",
        r"\max(a_t \circ \hat{b}_t)",
    ),
    "matmul": (language.matmul(M, h), "M h_{t-1}", "M h_{t-1}", r"M \, h_{t-1}"),
    "outer": (language.outer(a, k), "a_t k'_tᵀ", "a_t k'_t^T", r"a_t \, k'^{\top}_t"),
    "dot": (language.dot(a, b), "a_tᵀ b̂_t", "a_t^T bhat_t", r"a_t^{\top} \, \hat{b}_t"),
    "total": (language.total(a), "Σ a_t", "sum(a_t)", r"\sum a_t"),
    "mean": (language.mean(a), "(Σ a_t)/n", "sum(a_t)/n", r"\frac{\sum a_t}{n}"),
    "scale": (
        language.scale(s, a + b),
        "σ_t (a_t + b̂_t)",
        "sigma_t (a_t + bhat_t)",
        r"\sigma_t \, (a_t + \hat{b}_t)",
    ),
    "broadcast": (language.broadcast(s, "n"), "σ_t 1", "sigma_t 1", r"\sigma_t \, \mathbf{1}"),
}
NOT_OPERATORS = {"accepted", "axes_of", "constant_factor"}  # they take an expression apart


def test_every_operator_is_covered() -> None:
    """A function or a node that the language gains has to be added above."""
    values = {name: getattr(language, name) for name in language.__all__}
    public = {
        name
        for name, value in values.items()
        if inspect.isfunction(value) or (inspect.isclass(value) and issubclass(value, sp.Basic))
    }
    assert set(OPERATORS) == public - NOT_OPERATORS


def test_every_kind_of_node_is_covered() -> None:
    """The expressions above contain every class of node that the language defines."""
    nodes = {
        value
        for name, value in vars(language).items()
        if inspect.isclass(value) and issubclass(value, sp.Basic) and not name.startswith("_")
        if value.__module__.startswith(language.__name__)
    }
    assert nodes
    used = {type(part) for value, *_ in OPERATORS.values() for part in sp.preorder_traversal(value)}
    assert nodes <= used


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator_prints(operator: str) -> None:
    """In every format as it is written above."""
    value, in_unicode, in_ascii, in_latex = OPERATORS[operator]
    assert expression(value, ORDER, "unicode") == in_unicode
    assert expression(value, ORDER, "ascii") == in_ascii
    assert expression(value, ORDER, "latex") == in_latex
    assert expression(value, ORDER, "markdown") == in_latex
    assert list(problems(in_latex)) == []


def coverage_program() -> Program:
    """One program with every operator in an equation of its own."""
    equations = []
    for operator, (value, *_) in OPERATORS.items():
        axes = language.axes_of(value) or ()
        role = "shift" if value.has(language.Largest) else "value"
        equations.append(Equation(TensorSymbol(f"{operator}_", axes, operator, role), value))
    symbols = tuple(equation.symbol for equation in equations)
    return Program("coverage", (a, b, s, M, h, k), tuple(equations), symbols)


@pytest.mark.parametrize(
    "derive", [lambda p: p, reverse, tangent], ids=["as is", "reverse", "tangent"]
)
@pytest.mark.parametrize("form", ["unicode", "ascii", "latex", "markdown"])
def test_program_of_all_operators_prints(derive: object, form: str) -> None:
    """So do its normal form and what is derived from it; the LaTeX stays valid."""
    program = derive(normal_form(coverage_program()))  # type: ignore[operator]
    text = render(program, form)  # type: ignore[arg-type]
    assert text.isascii() == (form != "unicode")
    if form == "latex":
        display = text[: text.index(r"\end{align*}") + len(r"\end{align*}")]
        assert list(problems(display)) == []


def named(symbol: TensorSymbol) -> tuple[str, ...]:
    """The name of a symbol in Unicode, ASCII and LaTeX."""
    return tuple(expression(symbol, ORDER, form) for form in ("unicode", "ascii", "latex"))


def test_derived_names() -> None:
    """Cotangents, seeds, carries, tangents and Jacobians, and each of these of one another."""
    first, dots = CotangentNames(()), TangentNames(())
    again = CotangentNames((first.total(h),))
    dots_again = TangentNames((dots.tangent(h),))
    assert named(first.total(h)) == ("δh_{t-1}", "dh_{t-1}", r"\delta h_{t-1}")
    assert named(first.seed(h)) == ("Δh_{t-1}", "Dh_{t-1}", r"\Delta h_{t-1}")
    assert named(first.carry(k)) == ("δk'_t⁺", "dk'_t^+", r"\delta k'^{+}_t")
    assert named(dots.tangent(k)) == ("k̇'_t", "kdot'_t", r"\dot{k}'_t")
    assert named(dots_again.tangent(h))[1:] == ("hdot2_{t-1}", r"\mathring{h}_{t-1}")
    assert named(dots.tangent(first.total(h))) == (
        "δ̇h_{t-1}",
        "dot(dh_{t-1})",
        r"\dot{\delta} h_{t-1}",
    )
    assert named(first.total(dots.tangent(h))) == (
        "δḣ_{t-1}",
        "dhdot_{t-1}",
        r"\delta \dot{h}_{t-1}",
    )
    assert named(again.total(h)) == ("δ²h_{t-1}", "d2h_{t-1}", r"\delta^{2} h_{t-1}")
    assert named(again.total(first.total(h)))[0] == "δ²δh_{t-1}"
    assert named(jacobian_name(a, h)) == (
        "∂a_t/∂h_{t-1}",
        "da_t/dh_{t-1}",
        r"\frac{\partial a_t}{\partial h_{t-1}}",
    )


@pytest.mark.parametrize(
    ("display", "in_unicode", "in_ascii", "in_latex"),
    [
        ("W_hy", "W_{hy}", "W_hy", "W_{hy}"),
        ("h_{cand,t}", "h_{cand,t}", "h_{cand,t}", r"h_{\mathrm{cand},t}"),
        (r"\tilde{c}_t", "c̃_t", "ctilde_t", r"\tilde{c}_t"),
        (r"\log \hat y_t", "log(ŷ_t)", "log(yhat_t)", r"\log(\hat{y}_t)"),
        ("w_beta", "w_β", "w_beta", r"w_{\beta}"),
        ("Gamma", "Γ", "Gamma", r"\Gamma"),
        ("cost", "cost", "cost", r"\mathrm{cost}"),
    ],
)
def test_display_names(display: str, in_unicode: str, in_ascii: str, in_latex: str) -> None:
    """A display name is taken apart and put together again in each format."""
    symbol = TensorSymbol("v", (), display)
    assert named(symbol) == (in_unicode, in_ascii, in_latex)
    assert list(problems(in_latex)) == []


def test_two_symbols_never_share_a_name() -> None:
    """The second one is written as it is called in code."""
    other = TensorSymbol("h_next", ("n",), "h_{t-1}")
    order = Order({h: 0, other: 1})
    assert expression(h + other, order, "unicode") == "h_{t-1} + h_next"


def test_signs_fractions_and_parentheses() -> None:
    """Positive terms first; what must hold together, a sum or a power, is closed."""
    cotangent = CotangentNames(()).total(h)
    assert expression(-a + b, ORDER, "unicode") == "b̂_t - a_t"
    assert expression(-h * (a + b), ORDER, "unicode") == "-(a_t + b̂_t) ∘ h_{t-1}"
    assert expression(sp.Rational(-3, 2) * a * b, ORDER, "unicode") == "-(3 a_t ∘ b̂_t)/2"
    assert expression(cotangent**2, ORDER, "unicode") == "(δh_{t-1})²"
    assert expression(a**-2, ORDER, "latex") == r"\frac{1}{a_t^{2}}"
    assert equation(Equation(b, a * k), ORDER, "ascii") == "bhat_t = a_t * k'_t"
    bound = sp.Max(abs(h), 1)
    assert claim(abs(a), "<=", bound, ORDER, "unicode") == "|a_t| ≤ max(|h_{t-1}|, 1)"
    assert claim(abs(a), "<", sp.S.One, ORDER, "latex") == r"\lvert a_t \rvert < 1"


def test_long_lines_break_before_a_term() -> None:
    """No line of text is wider than 100 columns where a term can begin a new one."""
    terms = [TensorSymbol(f"long_name_{n}", ("n",)) for n in range(12)]
    total = TensorSymbol("total", ("n",))
    program = Program("long", tuple(terms), (Equation(total, sp.Add(*terms)),), (total,))
    lines = str(program).splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 100 for line in lines)
    assert all(line.startswith(" " * len("total = ") + "+ ") for line in lines[1:])
    assert r"\\" in program.to_latex()


def test_what_is_not_in_the_language_is_refused() -> None:
    """The message names it."""
    with pytest.raises(LanguageError, match="Derivative cannot be printed"):
        expression(sp.Derivative(sp.Function("f")(a), a), ORDER, "unicode")
