"""Names, shapes and first values of the weights."""

import numpy as np
import pytest
from nets import CELLS, every_cell
from pairs import every_pair

from rnnkit import RNN
from rnnkit.initializers import INITIALIZERS, spectral_radius
from rnnkit.networks.parameters import gates

RADIUS = {"float32": 1e-5, "float64": 1e-10}  # eigenvalues of a matrix that is not normal: sqrt of H roundings or so
GATED = {"lstm": 4, "gru": 3}
H = 20


def recurrent(net):
    """Yield every gate's part of every W_hh."""
    for name, array in net.parameters.items():
        if name.endswith("W_hh"):
            yield from gates(array, H)


@every_cell
def test_names_and_shapes(cell):
    net = RNN(5, 4, 3, cell=cell, layers=2, bidirectional=True)
    G, F = 4 * GATED.get(cell, 1), 16 if cell in GATED else 4
    expected = {}
    for layer, inputs in (("l0", 5), ("l0.reverse", 5), ("l1", 8), ("l1.reverse", 8)):
        expected |= {f"{layer}.W_xh": (inputs, G), f"{layer}.W_hh": (4, G), f"{layer}.b_h": (F,)}
    assert {name: a.shape for name, a in net.parameters.items()} == expected | {"W_hy": (8, 3), "b_y": (3,)}
    assert list(RNN(5, 4, cell=cell).parameters) == ["l0.W_xh", "l0.W_hh", "l0.b_h"]


def test_the_views_are_the_flat_array_in_order():
    net = RNN(5, 4, 3, cell="gru", layers=2)
    net.flat[:] = np.arange(net.num_parameters)
    np.testing.assert_array_equal(np.concatenate([a.ravel() for a in net.parameters.values()]), net.flat)
    net.parameters["b_y"][-1] = -1
    assert net.flat[-1] == -1


@every_pair({"cell": CELLS, "dtype": RADIUS, "initializer": INITIALIZERS})
def test_the_spectral_radius_of_every_gate_is_exact(cell, dtype, initializer):
    options = {"layers": 2, "bidirectional": True, "dtype": dtype, "initializer": initializer}
    found = [spectral_radius(W) for W in recurrent(RNN(5, H, cell=cell, spectral_radius=1.3, **options))]
    assert len(found) == 4 * GATED.get(cell, 1)
    np.testing.assert_allclose(found, 1.3, rtol=RADIUS[dtype])


@every_cell
def test_the_spectral_radius_of_a_given_array(cell):
    W = np.random.default_rng(0).standard_normal((H, H * GATED.get(cell, 1)))
    net = RNN(5, H, cell=cell, layers=2, initializer=W, dtype="float64")
    for layer in ("l0", "l1"):
        np.testing.assert_array_equal(net.parameters[f"{layer}.W_hh"], W)
    scaled = RNN(5, H, cell=cell, initializer=W, spectral_radius=0.7, dtype="float64")
    np.testing.assert_allclose([spectral_radius(W) for W in recurrent(scaled)], 0.7, rtol=RADIUS["float64"])
    ratios = scaled.parameters["l0.W_hh"] / W
    np.testing.assert_allclose(ratios, np.repeat(ratios[0, ::H], H)[None].repeat(H, axis=0), rtol=1e-12)  # one a gate
    net.parameters["l0.W_hh"][:] = 0
    assert W.any()  # it was copied


@every_cell
def test_gain_multiplies_each_gate(cell):
    one, double = (RNN(5, H, cell=cell, gain=gain, dtype="float64") for gain in (1, 2))
    np.testing.assert_array_equal(double.parameters["l0.W_hh"], 2 * one.parameters["l0.W_hh"])
    np.testing.assert_array_equal(double.parameters["l0.W_xh"], one.parameters["l0.W_xh"])


def test_fan_in_of_sparse_weights():
    for W in recurrent(RNN(5, H, cell="lstm", initializer="sparse", fan_in=3)):
        np.testing.assert_array_equal((W != 0).sum(axis=0), 3)


@every_cell
def test_weights_are_glorots_gate_by_gate(cell):
    net = RNN(300, 200, 100, cell=cell)
    n = GATED.get(cell, 1)
    for name, fan_out in (("l0.W_xh", 200), ("l0.W_hh", 200), ("W_hy", 100)):
        W = net.parameters[name]
        for gate in np.split(W, 1 if name == "W_hy" else n, axis=1):
            wanted = np.sqrt(2 / (len(W) + fan_out))
            # the deviation of 20000 draws is known to 0.5 %: six times that, for a mean and a deviation
            np.testing.assert_allclose(gate.std() / wanted, 1, atol=0.03)
            assert abs(gate.mean()) < 0.05 * wanted
    assert not net.parameters["l0.b_h"].any()
    assert not net.parameters["b_y"].any()


def test_the_forget_gates_first_bias():
    net = RNN(5, H, cell="lstm", layers=2, bidirectional=True, forget_bias=1.5)
    for direction in net.directions:
        b = net.parameters[f"{direction.name}.b_h"].reshape(4, H)
        np.testing.assert_array_equal(b[1], 1.5)  # i, f, g, o
        np.testing.assert_array_equal(b[[0, 2, 3]], 0)


@pytest.mark.parametrize("cell", GATED)
@pytest.mark.parametrize("chrono", [3, 100])
def test_chrono_biases_forget_after_1_to_chrono_less_1_steps(cell, chrono):
    b = RNN(5, 500, cell=cell, chrono=chrono, dtype="float64").parameters["l0.b_h"].reshape(4, 500)
    keeps = 1  # i, f, g, o: f multiplies c; r, z, n: z multiplies h, as in the references
    lasting, span = np.exp(b[keeps]), chrono - 2
    assert lasting.min() >= 1
    assert lasting.max() <= chrono - 1
    # uniform: the outermost of 500 draws are within 2 % of the ends, the mean within 6 of its deviations
    assert lasting.min() < 1 + 0.02 * span
    assert lasting.max() > 1 + 0.98 * span
    np.testing.assert_allclose(lasting.mean(), 1 + span / 2, atol=6 * span / np.sqrt(12 * 500))
    others = np.delete(b, [keeps] + ([0] if cell == "lstm" else []), axis=0)
    np.testing.assert_array_equal(others, 0)
    if cell == "lstm":
        np.testing.assert_array_equal(b[0], -b[keeps])


@pytest.mark.parametrize("cell", CELLS)
def test_a_seed_says_all(cell):
    nets = [RNN(5, H, 3, cell=cell, layers=2, bidirectional=True, seed=seed) for seed in (0, 0, 1)]
    assert nets[0].flat.tobytes() == nets[1].flat.tobytes()
    drawn = [name for name in nets[0].parameters if "W_" in name]
    for name in drawn:
        assert (nets[0].parameters[name] != nets[2].parameters[name]).all(), name
    arrays = [nets[0].parameters[name].ravel()[:15] for name in drawn]
    assert len({a.tobytes() for a in arrays}) == len(drawn)  # no two layers alike


@every_cell
def test_both_dtypes_hold_the_same_draws(cell):
    single, double = (RNN(5, H, 3, cell=cell, dtype=dtype) for dtype in ("float32", "float64"))
    assert (single.flat.dtype, double.flat.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(single.flat, double.flat.astype(np.float32))
    assert RNN(5, H, dtype=np.float64).dtype == np.float64
