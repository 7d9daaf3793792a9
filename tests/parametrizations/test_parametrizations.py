"""Maps of the recurrent weights: what they make, their pullbacks, and networks that train them."""

import copy
import pickle

import numpy as np
import pytest
from cell_cases import CoRNN, MinGRU
from nets import draw_like, make

import rnnkit
from rnnkit import RNN, Protocol, train
from rnnkit.gradients.gradcheck import check_network, numerical_gradient, relative_error
from rnnkit.gradients.log_norms import hidden_log_norms
from rnnkit.initializers import spectral_radius
from rnnkit.parametrizations import PARAMETRIZATIONS, Antisymmetric, Dale, Masked, Orthogonal, Parametrization

H = 6
EXACT, DIFFERENCES = 1e-12, 1e-8  # rounding of 6 x 6 algebra; 4th-order differences of one map
NETWORK = 1e-7  # the same of two layers in both directions
ROOT = 1e-6  # relative: how near a radius or a gain is met, in float64
SGD = {"float64": 1e-9, "float32": 1e-4}  # after 25 updates, compiled and by NumPy
every_map = pytest.mark.parametrize("name", PARAMETRIZATIONS)
MINE = """
import numpy as np

from rnnkit.parametrizations import Parametrization


class Softened(Parametrization):
    constants = {"beta": 2.0}

    @staticmethod
    def weights(V, beta):
        return np.tanh(beta * V)

    @staticmethod
    def pullback(V, dW, beta):
        return dW * beta * (1 - np.tanh(beta * V) ** 2)
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "softened.py"
    path.write_text(MINE)
    return path


def draw(blocks=1):
    return np.random.default_rng(0).standard_normal((H, blocks * H))


@every_map
def test_the_pullback_against_differences(name):
    one, V, G = PARAMETRIZATIONS[name](), draw(3), draw_like(draw(3))
    numeric = numerical_gradient(lambda: (one.of(V) * G).sum(), V)
    assert relative_error(one.back(V, G), numeric) < DIFFERENCES


def test_what_each_makes():
    V = draw()
    W = Antisymmetric(gamma=0.2).of(V)
    np.testing.assert_allclose(W + W.T, -0.4 * np.eye(H), atol=EXACT)
    np.testing.assert_allclose(Orthogonal().of(V) @ Orthogonal().of(V).T, np.eye(H), atol=EXACT)
    diagonal = PARAMETRIZATIONS["diagonal"]().of(V)
    np.testing.assert_array_equal(diagonal, np.diag(np.diag(V)))
    masked, again, other = (Masked(density=0.5, seed=seed).of(V) for seed in (1, 1, 2))
    np.testing.assert_array_equal(masked, again)
    assert 0 < (masked == 0).sum() < H * H
    assert (masked[masked != 0] == V[masked != 0]).all()
    assert ((masked == 0) != (other == 0)).any()
    signs = np.sign(Dale(excitatory=0.5).of(V))
    np.testing.assert_array_equal(signs, np.where(np.arange(H)[:, None] < H / 2, 1, -1) * np.ones(H))


@every_map
@pytest.mark.parametrize("cell", ["tanh", "lstm", CoRNN], ids=str)
def test_every_gradient_of_a_network_against_differences(name, cell):
    net, x, given = make(cell, layers=2, bidirectional=True, parametrization=name)
    target = draw_like(net.forward(x).y)
    errors = check_network(net, x, target, state=given["state"])
    assert max(errors.values()) < NETWORK, errors


@every_map
def test_the_network_is_that_of_the_mapped_weights(name):
    net, x, _ = make("gru", layers=2, parametrization=name, state=False)
    plain = make("gru", layers=2, state=False)[0]
    plain.flat[:] = net.effective()
    assert (net.weights["l0.W_hh"] != net.parameters["l0.W_hh"]).any()
    trace, same = net.forward(x), plain.forward(x)
    np.testing.assert_array_equal(trace.y, same.y)
    dy = draw_like(trace.y)
    for of_net, of_plain in zip(
        *(hidden_log_norms(n, r, dy).values() for n, r in ((net, trace), (plain, same))), strict=True
    ):
        np.testing.assert_array_equal(of_net.h, of_plain.h)


@every_map
def test_radius_and_gain_are_of_the_map(name):
    wanted = 1.0 if name == "orthogonal" else 0.7
    net = RNN(2, 20, cell="lstm", parametrization=name, spectral_radius=wanted, dtype="float64")
    found = [spectral_radius(W) for W in np.split(net.weights["l0.W_hh"], 4, axis=1)]
    np.testing.assert_allclose(found, wanted, rtol=ROOT)
    if name != "orthogonal":
        net = RNN(2, 20, parametrization=name, gain=0.3, dtype="float64")
        np.testing.assert_allclose(np.linalg.norm(net.weights["l0.W_hh"]) / np.sqrt(20), 0.3, rtol=ROOT)


def test_a_radius_that_it_cannot_have_is_refused():
    with pytest.raises(ValueError, match=r"^spectral_radius=2\.0 cannot be combined with parametrization=orthogonal"):
        RNN(2, 20, parametrization="orthogonal", spectral_radius=2.0)
    with pytest.raises(
        ValueError, match=r"^spectral_radius=0\.1 cannot be combined with parametrization=antisymmetric"
    ):
        RNN(2, 20, parametrization=Antisymmetric(gamma=0.2), spectral_radius=0.1)


@pytest.mark.parametrize("cell", ["tanh", CoRNN], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*PARAMETRIZATIONS, "mine"])
def test_training_steps_the_free_weights(name, cell, dtype, mine, tmp_path):
    task, chosen = rnnkit.tasks.TASKS["adding_le"], mine if name == "mine" else name
    protocol = Protocol(updates=25, check_every=25, check_size=20, batch_size=4, optimizer="sgd", learning_rate=0.05)

    def make_net(rng):
        return RNN(2, 5, 1, cell=cell, output="last", dtype=dtype, seed=rng, parametrization=chosen)

    (found,) = train(make_net, task, 6, protocol, seed=1, folder=tmp_path / "run")
    net, data = make_net(rnnkit.rng.streams(1, 0).init), rnnkit.rng.streams(1, 0).data
    x, target = (np.asarray(a, dtype) for a in task.sample(data, 100, 6)[:2])
    for u in range(25):
        batch = slice(4 * u, 4 * u + 4)
        of_loss = net.loss_and_gradients(np.ascontiguousarray(x[:, batch]), np.ascontiguousarray(target[0, batch]))
        net.flat[:] -= 0.05 * of_loss.gradients.flat
    np.testing.assert_allclose(found.net.flat, net.flat, rtol=0, atol=SGD[dtype])


def test_by_name_file_class_and_instance_saved_and_copied(mine, tmp_path):
    net = RNN(2, 3, parametrization=Antisymmetric(gamma=0.5))
    assert repr(net) == "RNN(tanh, 2 -> 3 -> states, antisymmetric, float32, 18 parameters)"
    assert RNN(2, 3, parametrization=Antisymmetric).parametrization.constants == {"gamma": 0.01}
    net.save(tmp_path / "net.npz")
    for again in (RNN.load(tmp_path / "net.npz"), copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert again.parametrization == net.parametrization
        np.testing.assert_array_equal(again.flat, net.flat)
    RNN(2, 3, parametrization=str(mine)).save(tmp_path / "mine.npz")
    with pytest.raises(
        ValueError,
        match="parametrization must be given for a network of Softened, which rnnkit does not ship, got none",
    ):
        RNN.load(tmp_path / "mine.npz")
    assert RNN.load(tmp_path / "mine.npz", parametrization=mine).parametrization.constants == {"beta": 2.0}
    with pytest.raises(
        ValueError, match=r"net\.npz: parametrization must be antisymmetric, which the network was saved with, got dale"
    ):
        RNN.load(tmp_path / "net.npz", parametrization="dale")


def test_what_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"parametrization must be a \.py file, .* or one of antisymmetric"):
        RNN(2, 3, parametrization="skew")
    with pytest.raises(ValueError, match="a constant of antisymmetric must be one of gamma, got beta"):
        Antisymmetric(beta=1)
    with pytest.raises(ValueError, match=r"excitatory must be a number in \[0, 1\], got 2\.0"):
        Dale(excitatory=2.0)
    path = tmp_path / "wrong.py"
    path.write_text(MINE.replace("def weights(V, beta)", "def weights(V)"))
    with pytest.raises(ValueError, match=r"wrong\.py, line \d+: Softened: weights must take \(V, beta\), got \(V\)"):
        RNN(2, 3, parametrization=path)
    with pytest.raises(ValueError, match="Nothing: weights must be a staticmethod"):
        RNN(2, 3, parametrization=type("Nothing", (Parametrization,), {}))


def test_a_cell_without_recurrent_weights_has_nothing_to_map():
    with pytest.raises(ValueError, match="parametrization=dale cannot be combined with cell=MinGRU: it has no W_hh"):
        RNN(2, 3, cell=MinGRU, parametrization="dale")
