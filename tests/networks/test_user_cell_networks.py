"""What a network of a user's own cell is beside its gradients: made, saved, copied, trained, followed back."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from cell_cases import EVERY, FOLDER, CoRNN, Leaky, MinGRU, Peephole, Switch
from nets import draw_like, make

import rnnkit
from rnnkit import RNN, Protocol, train
from rnnkit.cells import handles
from rnnkit.cells.handles import handle_of, in_rows, words_of
from rnnkit.gradients.jacobians import jacobian_product, step_jacobian
from rnnkit.gradients.log_norms import hidden_log_norms, loss_by_state
from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.gradients.scaled_backward import backward_scaled

FILE = FOLDER / "leaky.py"
CLOSE = 1e-10  # logarithms of float64 norms, two ways
SEVERAL_STEPS = 1e-9  # relative, of sums over 6 steps of Jacobians, or 40 of gradients, in another order
SGD = 1e-9  # after 25 float64 updates, two ways


def test_a_cell_by_name_file_class_and_instance():
    nets = [RNN(2, 3, 1, cell=cell) for cell in (str(FILE), FILE, Leaky, Leaky(alpha=0.2))]
    assert [dict(net.cell.constants) for net in nets] == [{"alpha": 0.1}] * 3 + [{"alpha": 0.2}]
    assert repr(nets[3]) == "RNN(Leaky(alpha=0.2), 2 -> 3 -> 1, float32, 22 parameters)"
    assert RNN(2, 3, cell="lstm").cell.name == "lstm"
    with pytest.raises(ValueError, match=r"cell must be a \.py file, a subclass of Cell"):
        RNN(2, 3, cell="leaking")


def test_weights_have_the_cells_names():
    shapes = RNN(2, 3, cell=CoRNN).shapes
    assert dict(shapes) == {"l0.W_xh": (2, 3), "l0.W_hh": (3, 3), "l0.W_vh": (3, 3), "l0.b_h": (3,)}
    net = RNN(2, 3, cell=Peephole, seed=0)
    assert list(net.shapes)[3:] == ["l0.p_i", "l0.p_f", "l0.p_o"]
    assert (net.parameters["l0.p_i"] == np.float32(0.1)).all()
    assert len(set(net.parameters["l0.p_o"])) == 3
    assert list(RNN(2, 3, cell=MinGRU).shapes) == ["l0.W_xh", "l0.b_h"]


def test_saved_and_loaded(tmp_path):
    net, x, _ = make(Leaky(alpha=0.7), state=False)
    net.save(tmp_path / "net.npz")
    with pytest.raises(
        ValueError, match=r"cell must be given for a network of Leaky, which rnnkit does not ship, got none"
    ):
        RNN.load(tmp_path / "net.npz")
    (tmp_path / "mine.py").write_text(FILE.read_text())  # the same equations, in another file
    loaded = RNN.load(tmp_path / "net.npz", cell=tmp_path / "mine.py")
    assert dict(loaded.cell.constants) == {"alpha": 0.7}
    np.testing.assert_array_equal(loaded.forward(x).y, net.forward(x).y)
    for wrong in (MinGRU, "tanh"):
        with pytest.raises(
            ValueError, match=r"net\.npz: cell must have the equations of Leaky that the network was saved with, got "
        ):
            RNN.load(tmp_path / "net.npz", cell=wrong)


def test_copied_and_pickled():
    net, x, _ = make(Leaky(alpha=0.7), state=False)
    y = net.forward(x).y
    for again in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(again.forward(x).y, y)
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).cell.name)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(net), capture_output=True, check=True)
    assert done.stdout == b"Leaky\n"


def test_a_pickle_does_not_take_new_equations(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(FILE.read_text())
    net, x, _ = make(file, state=False)
    pickled, y = pickle.dumps(net), net.forward(x).y
    file.write_text(FILE.read_text().replace("tanh(a)", "a"))
    with pytest.raises(ValueError, match=r"mine\.py must be as it was when Leaky was made"):
        pickle.loads(pickled)
    assert RNN(2, 3, cell=file).cell != net.cell
    with pytest.raises(ValueError, match=r"mine\.py must be as it was"):
        pickle.dumps(net)
    np.testing.assert_array_equal(copy.deepcopy(net).forward(x).y, y)


@pytest.mark.parametrize("cls", EVERY)
def test_gradients_of_states_as_logarithms_jacobians_and_exponents(cls):
    """Each against what `backward` gives, which autograd has checked."""
    net, x, given = make(cls, layers=2, T=6)
    trace, dstate = net.forward(x, **given), net.initial_state(3)
    dy = draw_like(trace.y)
    logs, hidden = hidden_log_norms(net, trace, dy), net.backward(trace, dy, hidden=True).hidden
    for direction, of_direction in logs.items():
        for found, gradient in zip(of_direction, hidden[direction], strict=True):
            with np.errstate(divide="ignore"):
                np.testing.assert_allclose(found, np.log(np.linalg.norm(gradient, axis=-1)), atol=CLOSE)
    of_last = np.zeros_like(dy)
    of_last[-1] = dy[-1]
    found = hidden_log_norms(net, trace, of_last, first=True)["l0"]
    np.testing.assert_allclose(loss_by_state(net, trace, dy)[-1], found[0][1:], atol=CLOSE)
    for of_first, gradient in zip(found, net.backward(trace, of_last).state, strict=True):
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(of_first[0], np.log(np.linalg.norm(gradient[0], axis=-1)), atol=CLOSE)
    for i, part in enumerate(dstate):
        part[:] = draw_like(part, i)
    back = net.backward(trace, None, dstate).state
    row = np.concatenate([part[layer, 1] for layer in range(2) for part in dstate])
    product = jacobian_product(net, trace, 0, 5, 1)
    wanted = np.concatenate([part[layer, 1] for layer in range(2) for part in back])
    np.testing.assert_allclose(row @ product.matrix * np.exp(product.log_scale), wanted, rtol=0, atol=SEVERAL_STEPS)
    assert len(lyapunov_exponents(net, trace)) == len(step_jacobian(net, trace, 0)) == 6 * len(cls.states)


@pytest.mark.parametrize("cls", EVERY)
def test_scaled_gradients_are_those_of_backward_and_do_not_overflow(cls):
    net, x, given = make(cls, layers=2, T=40)
    trace = net.forward(x, **given)
    dstate = type(trace.state)(**{name: draw_like(a, 3) for name, a in trace.state.asdict().items()})
    plain, found = net.backward(trace, None, dstate), backward_scaled(net, trace, dstate)
    largest = np.abs(plain.flat).max()
    for name, gradient in plain.parameters.items():
        got = found.parameters[name] * np.exp(found.log_scale)
        np.testing.assert_allclose(got, gradient, rtol=0, atol=SEVERAL_STEPS * largest, err_msg=name)
    for got, wanted in zip(found.state, plain.state, strict=True):
        got = got * np.exp(found.state_log_scale)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=SEVERAL_STEPS * np.abs(wanted).max(initial=1e-300))


def test_scaled_gradients_leave_the_range_of_floats():
    net = RNN(1, 2, cell="identity", dtype="float32", spectral_radius=3.0, initializer="identity")
    trace = net.forward(np.zeros((1000, 1, 1), np.float32))
    last = net.initial_state(1)
    last.h[0, 0] = 3, 4
    back = backward_scaled(net, trace, last)
    np.testing.assert_allclose(back.state_log_scale, 1000 * np.log(3) + np.log(5), rtol=1e-5)


@pytest.mark.parametrize("cls", [Leaky, Peephole, CoRNN, MinGRU], ids=lambda cls: cls.__name__)
def test_trained_without_the_interpreter(cls, tmp_path):
    """A block of updates changes the weights as `loss_and_gradients` and the optimizer do."""
    task = rnnkit.tasks.TASKS["adding_le"]
    protocol = Protocol(updates=25, check_every=25, check_size=20, batch_size=4, optimizer="sgd", learning_rate=0.05)

    def make_net(rng):
        return RNN(2, 5, 1, cell=cls, output="last", dtype="float64", seed=rng)

    (found,) = train(make_net, task, 6, protocol, seed=1, folder=tmp_path)
    net, data = make_net(rnnkit.rng.streams(1, 0).init), rnnkit.rng.streams(1, 0).data
    x, target, _ = task.sample(data, 100, 6)
    for u in range(25):
        batch = slice(4 * u, 4 * u + 4)
        of_loss = net.loss_and_gradients(np.ascontiguousarray(x[:, batch]), np.ascontiguousarray(target[0, batch]))
        net.flat[:] -= 0.05 * of_loss.gradients.flat
    np.testing.assert_allclose(found.net.flat, net.flat, rtol=0, atol=SGD)
    again = train(make_net, task, 6, protocol, seed=1, folder=tmp_path)[0]  # from its checkpoint
    np.testing.assert_array_equal(again.net.flat, found.net.flat)


def test_equal_cells_share_a_handle_and_others_do_not():
    assert handle_of(Leaky(alpha=0.5)) == handle_of(Leaky(alpha=0.5)) != handle_of(Leaky(alpha=0.25))
    assert len(words_of(handle_of(Leaky()))) == len(words_of(handle_of(Leaky(alpha=0.5))))


def test_a_state_that_enters_as_a_condition_alone_is_not_computed_in_rows():
    """Its way back reads the state before, for which a step in rows has no room."""
    assert not in_rows(Switch())
    assert in_rows(rnnkit.cells.Tanh())


def test_a_constant_beyond_the_dtype_is_refused():
    with pytest.raises(ValueError, match=r"^constants\.alpha must be finite in float32, got 1e\+300"):
        RNN(2, 3, cell=Leaky(alpha=1e300))
    RNN(2, 3, cell=Leaky(alpha=1e300), dtype="float64")


def test_what_cannot_be_compiled_is_an_error_and_no_end_of_the_process(monkeypatch):
    """Loops are compiled before compiled code runs, which could not hand the error on."""
    net, x, _ = make(type("Other", (Leaky,), {}), state=False)

    def fails(*_):
        raise RuntimeError("the compiler is gone")

    monkeypatch.setattr(handles, "compiled", fails)
    with pytest.raises(RuntimeError, match="the compiler is gone"):
        net.forward(x)
    monkeypatch.undo()
    assert np.isfinite(net.forward(x).y).all()
