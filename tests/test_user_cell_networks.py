"""What a network of a user's own cell is beside its gradients: made, saved, copied, trained, followed back."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from cell_cases import EVERY, LEAKY, CoRNN, Leaky, MinGRU, Peephole
from nets import draw_like, make

import rnnkit
from rnnkit import RNN, Protocol, train
from rnnkit.cells.handles import handle_of, words_of
from rnnkit.hidden import hidden_log_norms, loss_by_state
from rnnkit.lyapunov import jacobian_product, lyapunov_exponents, step_jacobian
from rnnkit.scaled_backward import backward_scaled

CLOSE = 1e-10


@pytest.fixture
def leaky(tmp_path):
    path = tmp_path / "leaky.py"
    path.write_text(LEAKY)
    return path


def test_a_cell_by_name_file_class_and_instance(leaky):
    nets = [RNN(2, 3, 1, cell=cell) for cell in (str(leaky), leaky, Leaky, Leaky(alpha=0.2))]
    assert [dict(net.cell.constants) for net in nets] == [{"alpha": 0.1}] * 2 + [{"alpha": 0.3}, {"alpha": 0.2}]
    assert repr(nets[3]) == "RNN(Leaky(alpha=0.2), 2 -> 3 -> 1, float32, 22 parameters)"
    assert RNN(2, 3, cell="lstm").cell.name == "lstm"
    with pytest.raises(ValueError, match=r"cell must be a \.py file, a subclass of Cell"):
        RNN(2, 3, cell="leaky")


def test_weights_have_the_cells_names():
    shapes = RNN(2, 3, cell=CoRNN).shapes
    assert dict(shapes) == {"l0.W_xh": (2, 3), "l0.W_hh": (3, 3), "l0.W_vh": (3, 3), "l0.b_h": (3,)}
    net = RNN(2, 3, cell=Peephole, seed=0)
    assert list(net.shapes)[3:] == ["l0.p_i", "l0.p_f", "l0.p_o"]
    assert (net.parameters["l0.p_i"] == np.float32(0.1)).all()
    assert len(set(net.parameters["l0.p_o"])) == 3
    assert list(RNN(2, 3, cell=MinGRU).shapes) == ["l0.W_xh", "l0.b_h"]


def test_saved_and_loaded(tmp_path, leaky):
    net, x, _ = make(Leaky(alpha=0.7), state=False)
    net.save(tmp_path / "net.npz")
    with pytest.raises(ValueError, match=r"holds a network of the cell Leaky, which rnnkit does not ship: name it"):
        RNN.load(tmp_path / "net.npz")
    loaded = RNN.load(tmp_path / "net.npz", cell=leaky)  # the same equations, in a file of another name
    assert dict(loaded.cell.constants) == {"alpha": 0.7}
    np.testing.assert_array_equal(loaded.forward(x).y, net.forward(x).y)
    for wrong in (MinGRU, "tanh"):
        with pytest.raises(ValueError, match=r"cell must be the Leaky that .* was saved with"):
            RNN.load(tmp_path / "net.npz", cell=wrong)


def test_copied_and_pickled(leaky):
    net, x, _ = make(leaky, state=False)
    y = net.forward(x).y
    for again in (copy.copy(net), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(again.forward(x).y, y)
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer).cell.name)"
    done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(net), capture_output=True, check=True)
    assert done.stdout == b"Leaky\n"


@pytest.mark.parametrize("cls", EVERY)
def test_gradients_of_states_as_logarithms_jacobians_and_exponents(cls):
    """Each against what `backward` gives, which autograd has checked."""
    net, x, given = make(cls, layers=2, T=6)
    run, dstate = net.forward(x, **given), net.initial_state(3)
    dy = draw_like(run.y)
    logs, hidden = hidden_log_norms(net, run, dy), net.backward(run, dy, hidden=True).hidden
    for way, of_way in logs.items():
        for found, gradient in zip(of_way, hidden[way], strict=True):
            with np.errstate(divide="ignore"):
                np.testing.assert_allclose(found, np.log(np.linalg.norm(gradient, axis=-1)), atol=CLOSE)
    first = np.zeros_like(dy)
    first[-1] = dy[-1]
    np.testing.assert_allclose(loss_by_state(net, run, dy)[-1], hidden_log_norms(net, run, first)["l0"][0], atol=CLOSE)
    for i, part in enumerate(dstate):
        part[:] = draw_like(part, i)
    back = net.backward(run, None, dstate).state
    row = np.concatenate([part[layer, 1] for layer in range(2) for part in dstate])
    product = jacobian_product(net, run, 0, 5, 1)
    wanted = np.concatenate([part[layer, 1] for layer in range(2) for part in back])
    np.testing.assert_allclose(row @ product.matrix * np.exp(product.log_scale), wanted, rtol=0, atol=1e-9)
    assert len(lyapunov_exponents(net, run)) == len(step_jacobian(net, run, 0)) == 6 * len(cls.states)


@pytest.mark.parametrize("cls", EVERY)
def test_scaled_gradients_are_those_of_backward_and_do_not_overflow(cls):
    net, x, given = make(cls, layers=2, T=40)
    run = net.forward(x, **given)
    dstate = type(run.state)(**{name: draw_like(a, 3) for name, a in run.state.asdict().items()})
    plain, found = net.backward(run, None, dstate), backward_scaled(net, run, dstate)
    largest = np.abs(plain.flat).max()
    for name, gradient in plain.parameters.items():
        got = found.parameters[name] * np.exp(found.log_scale)
        np.testing.assert_allclose(got, gradient, rtol=0, atol=1e-9 * largest, err_msg=name)
    for got, wanted in zip(found.state, plain.state, strict=True):
        got = got * np.exp(found.state_log_scale)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-9 * np.abs(wanted).max(initial=1e-300))


def test_scaled_gradients_leave_the_range_of_floats():
    net = RNN(1, 2, cell="identity", dtype="float32", spectral_radius=3.0, initializer="identity")
    run = net.forward(np.zeros((1000, 1, 1), np.float32))
    last = net.initial_state(1)
    last.h[0, 0] = 3, 4
    back = backward_scaled(net, run, last)
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
    np.testing.assert_allclose(found.net.flat, net.flat, rtol=0, atol=1e-9)
    again = train(make_net, task, 6, protocol, seed=1, folder=tmp_path)[0]  # from its checkpoint
    np.testing.assert_array_equal(again.net.flat, found.net.flat)


def test_equal_cells_share_a_handle_and_others_do_not():
    assert handle_of(Leaky(alpha=0.5)) == handle_of(Leaky(alpha=0.5)) != handle_of(Leaky(alpha=0.25))
    assert len(words_of(handle_of(Leaky()))) == len(words_of(handle_of(Leaky(alpha=0.5))))
