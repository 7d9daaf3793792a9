"""A cell of a user's own file: found, proved in one call, and run anew when it has changed."""

from pathlib import Path

import numpy as np
import pytest
from cell_cases import EVERY, LEAKY, Leaky, random_cells
from hypothesis import given, settings

from rnnkit import RNN
from rnnkit.cells import CELLS, GRU, Cell, as_cell, sigmoid, tanh
from rnnkit.cells.expressions import Graph
from rnnkit.cells.loops import compiled
from rnnkit.gradients import cellcheck
from rnnkit.gradients.gradcheck import check_cell
from rnnkit.networks.torch_weights import to_torch

RIGHT = 1e-8


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "leaky.py"
    path.write_text(LEAKY)
    return path


def test_a_cell_by_name_file_class_or_itself(file):
    assert [as_cell(name) for name in CELLS] == [cls() for cls in CELLS.values()]
    assert repr(as_cell(str(file))) == repr(as_cell(file)) == "Leaky(alpha=0.1)"
    assert type(as_cell(file)) is type(as_cell(file))
    assert as_cell(GRU) == GRU()
    assert dict(as_cell(Leaky(alpha=0.7)).constants) == {"alpha": 0.7}


def test_a_changed_file_is_another_cell(file):
    before = as_cell(file)
    file.write_text(LEAKY.replace("0.1", "0.25"))
    assert (before.constants["alpha"], as_cell(file).constants["alpha"]) == (0.1, 0.25)


def test_a_step_replaced_in_its_class_is_refused(file):
    """As IPython's autoreload does it: loops that are compiled would be those of the old step."""
    cls = type(as_cell(file))
    cls.step.__code__ = (lambda a, h, alpha: h + alpha * tanh(a)).__code__
    with pytest.raises(ValueError, match=r"leaky.py, line \d+: Leaky: step cannot be replaced in a class"):
        as_cell(cls)


@pytest.mark.parametrize("cell", ["leaking", "", None, 3, Cell, int, [GRU]])
def test_what_is_no_cell_is_told_with_what_is_allowed(cell):
    with pytest.raises(
        ValueError, match=r"^cell must be a \.py file, a subclass of Cell, an instance of one, or one of tanh"
    ):
        as_cell(cell)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Cell, tanh", "Cell, tanhh", "the file raises ImportError: cannot import name 'tanhh'"),
        ("class Leaky(Cell):", "class Leaky(Cell:", "the file raises SyntaxError"),
        ("\nclass", "\n1 / 0\nclass", "the file raises ZeroDivisionError: division by zero, line 9"),
        ("class Leaky(Cell):", "class Leaky:", "must define exactly one subclass of Cell, got 0"),
        ("\n\nclass Leaky", "\nclass Other(Cell): pass\nclass Leaky", "got 2 (Leaky, Other)"),
    ],
)
def test_faults_of_a_file_begin_with_what_was_asked_for(file, old, new, said):
    file.write_text(LEAKY.replace(old, new))
    with pytest.raises(ValueError, match="leaky") as told:
        as_cell(file)
    assert str(told.value).startswith(f"cell={str(file)!r}: ")
    assert said in str(told.value)


def test_a_fault_of_the_class_has_its_line(file):
    file.write_text(LEAKY.replace("alpha * tanh(a)", "alpha * max(a, 0)"))
    with pytest.raises(ValueError, match="line 16: Leaky: step cannot be followed: a step computes all units at once"):
        as_cell(file)


def test_a_file_that_is_not_there():
    with pytest.raises(ValueError, match=r"^cell='nowhere\.py': there is no such file"):
        as_cell(Path("nowhere.py"))


@pytest.mark.parametrize("cls", EVERY)
def test_every_cell_is_proved_in_one_call(cls):
    found = check_cell(cls)
    assert len(found) == len(cls.states) * len((*cls.blocks, *cls.states, *cls.per_unit)) + 2
    assert {"forward, compiled", "BPTT, compiled"} <= found.keys()
    assert max(found.values()) < RIGHT


@settings(max_examples=20)
@given(random_cells())
def test_random_cells_are_proved(cls):
    assert max(check_cell(cls).values()) < RIGHT


@pytest.mark.parametrize("step", ["k * a + np.random.rand()", "k * a / (h - h)"])
def test_what_cannot_be_compared_is_not_proved(file, step):
    text = LEAKY.replace("(1 - alpha) * h + alpha * tanh(a)", step.replace("k", "alpha") + " + h")
    file.write_text(text.replace("from rnnkit", "import numpy as np\nfrom rnnkit"))
    assert check_cell(file)["h by a"] == np.inf


def test_poles_are_left_out_and_a_plain_function_is_a_step():
    class Pole(Cell):
        blocks = {"a": ("x",)}
        states = ("h",)
        step = lambda a, h: a + np.float32(2) / h  # noqa: E731

    assert max(check_cell(Pole).values()) < RIGHT


def test_the_proof_can_fail(monkeypatch):
    """With a derivative that is wrong by one sign."""
    of = Graph.of
    monkeypatch.setattr(Graph, "of", lambda self, op, *args: of(self, "add" if op == "sub" else op, *args))
    found = check_cell(GRU)
    assert found["h by z"] > 0.01
    assert not np.isnan(list(found.values())).any()


def test_loops_that_are_another_cells_are_seen(monkeypatch):
    monkeypatch.setattr(cellcheck, "compiled", lambda cls, *of: compiled(CELLS["sigmoid"], *of))
    found = check_cell("tanh")
    assert min(found["forward, compiled"], found["BPTT, compiled"]) > 0.1


def test_a_step_that_assigns_in_place_is_proved():
    class InPlace(Cell):
        blocks, states = {"a": ("x", "h", "b")}, ("h",)

        @staticmethod
        def step(a, h):
            a *= 0.5
            h += a
            return tanh(h)

    assert max(check_cell(InPlace).values()) < RIGHT


def test_a_subclass_with_other_equations_is_not_torchs():
    class Halved(GRU):
        @staticmethod
        def step(r, z, n, q, h):
            return 0.5 * sigmoid(z) * h + (1 - sigmoid(z)) * tanh(n + sigmoid(r) * q)

    with pytest.raises(ValueError, match=r"^cell must be one of tanh, relu, lstm, gru .* got Halved"):
        to_torch(RNN(2, 3, cell=Halved))
    assert "weight_hh_l0" in to_torch(RNN(2, 3, cell=GRU))
