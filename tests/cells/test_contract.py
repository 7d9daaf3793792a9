"""What a cell may be: anything else is one message with file, line and what is allowed."""

import numpy as np
import pytest
from cell_cases import EVERY, LEAKY, Leaky

from rnnkit.cells import LSTM, Cell, as_cell, handles
from rnnkit.cells.symbolic import symbolic

FAULTS = [  # what is replaced, by what, the line that is named, what is said
    ("    def step(a, h, alpha):", "    def step(a, h):", 14, "step must take (a, h, alpha)"),
    ("    def step(a, h, alpha):", "    def step(h, a, alpha):", 14, ", got (h, a, alpha)"),
    ("    def step(a, h, alpha):", "    def step(a, h, *alpha):", 14, ", got (a, h, *alpha)"),
    ("    @staticmethod\n    def step(a, h", "    def step(self, a, h", 14, ", got (self, a, h, alpha)"),
    ("def step", "def forward", 9, "step is missing"),
    ('    states = ("h",)\n', "", 9, "states is missing"),
    ('states = ("h",)', 'states = ("h")', 9, "states must be names in a tuple"),
    ('states = ("h",)', "states = ()", 9, "states must be names in a tuple"),
    ('states = ("h",)', 'states = ("h", "a")', 9, "got a, which is taken by blocks"),
    ('states = ("h",)', 'states = ("h", "new_h")', 9, "got new_h, which is taken by what is made of the others"),
    ('states = ("h",)', 'states = ("h", "saved_0")', 9, "got saved_0, which is taken by what is made of the others"),
    (
        "    states =",
        '    per_unit = {"d_h": 1.0}\n    states =',
        9,
        "got d_h, which is taken by what is made of the others",
    ),
    ('states = ("h",)', 'states = ("h", "W_xh")', 9, "got W_xh, which is taken by weights"),
    ("    states =", '    keeps = "h"\n    states =', 9, "keeps must be None or a block with a bias (a), got 'h'"),
    ("    @staticmethod\n    def step(", "    step = 3\n\n    def other(", 9, "step must be a function, got 3"),
    ('states = ("h",)', 'states = ("x",)', 9, "got x, which is taken by the input"),
    ('states = ("h",)', 'states = ("cls",)', 9, "got cls, which is taken by Python"),
    ('states = ("h",)', 'states = ("count",)', 9, "got count, which is taken by what a network returns"),
    ('states = ("h",)', 'states = ("__len__",)', 9, "a name must not begin with an underscore"),
    ('"alpha": 0.1', '"self": 0.1', 9, "got self, which is taken by Python"),
    ('{"a": ("x", "h", "b")}', "{}", 9, "at least one block"),
    ('{"a": ("x", "h", "b")}', '[("a", "x")]', 9, "blocks must be a dictionary"),
    ('("x", "h", "b")', '"x"', 9, "a must be a tuple of x, h, b, each at most once"),
    ('("x", "h", "b")', '("x", "c", "b")', 9, "a must be a tuple of x, h, b, each at most once"),
    ('("x", "h", "b")', '("x", "x")', 9, "each at most once"),
    ('("x", "h", "b")', '("h", "b")', 9, "x must enter one of them"),
    ('"alpha": 0.1', '"alpha": "0.1"', 9, "alpha must be a finite number, got '0.1'"),
    ('"alpha": 0.1', '"alpha": float("nan")', 9, "alpha must be a finite number, got nan"),
    ('"alpha": 0.1', '"lambda": 0.1', 9, "a name must be that of a Python variable, got 'lambda'"),
    (
        "    states =",
        '    per_unit = {"u": None}\n    states =',
        9,
        "u must be a finite number or a function of (rng, H)",
    ),
    ("    states =", '    per_unit = {"u": float("nan")}\n    states =', 9, "u must be a finite number"),
    ("    constants =", "    def __init__(self, k): pass\n    constants =", 9, "__init__ cannot be another one"),
    ("tanh(a)", "a % 2", 16, "unsupported operand type(s) for %"),
    ("return (1 - alpha) * h + alpha * tanh(a)", "return [(1 - alpha) * h + alpha * tanh(a)]", 14, "for h, got list"),
    ("tanh(a)", "math.tanh(a)", 16, "the functions of rnnkit.cells: tanh, sigmoid, relu"),
    ("tanh(a)", "np.tanh(a)", 16, "the functions of rnnkit.cells"),
    ("tanh(a)", "sinh(a)", 16, "name 'sinh' is not defined"),
    ("tanh(a)", "max(a, 0)", 16, "where(condition, a, b) takes the place of if"),
    ("tanh(a)", "where(a == 0, 1, a)", 16, "== and != have no derivative"),
    ("tanh(a)", "(a > 0)", 16, "a condition is made by < <= > >= and is the first argument of where"),
    ("tanh(a)", "where(a, 1, h)", 16, "a condition is made by"),
    ("tanh(a)", "a ** 0.5", 16, "a power must be a whole number from 1 to 8, got 0.5"),
    ("tanh(a)", "where(a > 0, a, -np.inf)", 16, "a number in a step must be finite, got -inf"),
    ("tanh(a)", "a * '2'", 16, "cannot compute with '2'"),
    ("tanh(a)", "a * np.ones(3)", 16, "cannot compute with array"),
    ("return (1", "return h, (1", 14, "step must return the new h, 1, got 2"),
    ("return (1 - alpha) * h + alpha * tanh(a)", "pass", 14, "step must return an expression for h, got NoneType"),
    ("return (1 - alpha) * h + alpha * tanh(a)", "return h > alpha * a", 14, "step returns a condition for h"),
    ("(1 - alpha) * h + alpha *", "h + 0.1 *", 14, "step does not use alpha"),
    ("tanh(a)", "h", 14, "step does not use a"),
]


@pytest.mark.parametrize(("old", "new", "line", "said"), FAULTS)
def test_a_fault_is_told_with_file_and_line(tmp_path, old, new, line, said):
    assert LEAKY.count(old) == 1
    file = tmp_path / "leaky.py"
    file.write_text(LEAKY.replace(old, new))
    with pytest.raises(ValueError, match="line") as told:
        as_cell(file)
    message = str(told.value)
    assert message.startswith(f"{file}, line {line}: Leaky: ")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("cls", EVERY)
def test_every_cell_can_be_traced_and_named(cls):
    outputs = symbolic(cls).outputs
    assert len(outputs) == len(cls.states)
    assert repr(cls()).startswith(f"{cls.__name__}(")


def test_constants_belong_to_an_instance():
    assert Leaky(alpha=0.2) == Leaky(alpha=0.2) != Leaky()
    assert len({Leaky(alpha=0.2), Leaky(alpha=0.2), Leaky()}) == 2
    assert dict(Leaky(alpha=0.2).constants) == {"alpha": 0.2}
    assert Leaky.constants == {"alpha": 0.1}
    assert repr(Leaky(alpha=1)) == "Leaky(alpha=1.0)"
    with pytest.raises(ValueError, match=r"^a constant of Leaky must be one of alpha, got beta"):
        Leaky(beta=1)
    with pytest.raises(ValueError, match=r"^a constant of lstm must be none, got alpha"):
        LSTM(alpha=1)
    with pytest.raises(ValueError, match="alpha must be a finite number, got nan"):
        Leaky(alpha=np.nan)


def test_a_cell_typed_into_a_console_is_named_too():
    typed = type("Typed", (Cell,), {"blocks": {}, "states": ("h",), "step": staticmethod(lambda h: h)})
    with pytest.raises(ValueError, match="Typed: blocks must name at least one"):
        symbolic(typed)


def test_more_cells_than_a_process_has_room_for_are_refused(monkeypatch):
    monkeypatch.setattr(handles, "MOST_CELLS", len(handles._words))
    with pytest.raises(
        ValueError, match=r"^cell must be one of at most \d+, each with its constants, in one process, got one more"
    ):
        handles.handle_of(Leaky(alpha=0.123456789))
