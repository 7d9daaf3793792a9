"""Logarithms of the gradients of states against the gradients themselves, kernels and finite differences."""

import numpy as np
import pytest
from traces import states_before

import rnnkit
from rnnkit.gradients.gradcheck import numerical_gradient
from rnnkit.gradients.log_norms import hidden_log_norms, hidden_of_step, loss_by_state
from rnnkit.kernels.cells import CELLS

ROUNDING = 1e-10  # some ten steps of float64, and their logarithms
SINGLE = {"float32": 1e-4, "float64": ROUNDING}  # the gradients compared with are the kernels', in float32
FAR = 1e-9  # logarithms of size 1,000 after several hundred float64 steps
NUMERICAL = 1e-7  # fourth-order differences of a small net
every_cell = pytest.mark.parametrize("cell", CELLS)


def make(cell, T=7, B=3, seed=0, **options):
    """Return (net, run, dy) of a net with random biases."""
    lengths = options.pop("lengths", None)
    options = {"dtype": "float64", "layers": 2} | options
    net = rnnkit.RNN(4, 5, options.pop("output_size", 2), cell=cell, seed=seed, **options)
    rng = rnnkit.rng.streams(seed).data
    for name, array in net.parameters.items():
        if name.endswith("b_h"):
            array[:] = 0.5 * rng.standard_normal(array.shape)
    x = rng.standard_normal((T, B, 4)).astype(net.dtype)
    trace = net.forward(x, lengths=lengths)
    return net, trace, rng.standard_normal(trace.y.shape).astype(net.dtype)


def logs_of(gradient):
    with np.errstate(divide="ignore"):  # -inf is the right answer for zeros
        return np.log(np.linalg.norm(gradient.astype(np.float64), axis=-1))


SHAPES = {
    "plain": {},
    "float32": {"dtype": "float32"},
    "states as outputs": {"output_size": None},
    "both directions": {"bidirectional": True},
    "last": {"output": "last"},
    "lengths": {"lengths": np.array([7, 1, 4])},
    "both directions, last, lengths": {"bidirectional": True, "output": "last", "lengths": np.array([7, 1, 4])},
    "three layers, both directions, lengths": {"bidirectional": True, "layers": 3, "lengths": np.array([2, 7, 5])},
}

EVERY_STEP = {name: options for name, options in SHAPES.items() if "output" not in options}


@every_cell
@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_log_norms_are_those_of_the_gradients(cell, options):
    net, trace, dy = make(cell, **options)
    found, gradients = hidden_log_norms(net, trace, dy), net.backward(trace, dy, hidden=True).hidden
    assert found.keys() == gradients.keys()
    for name, logs in found.items():
        assert logs.names == gradients[name].names == net.cell.states
        for of_state, gradient in zip(logs, gradients[name], strict=True):
            np.testing.assert_allclose(of_state, logs_of(gradient), atol=SINGLE[str(net.dtype)])
        joint = logs_of(np.concatenate(gradients[name], axis=-1))
        np.testing.assert_allclose(logs.joint, joint, atol=SINGLE[str(net.dtype)])


@every_cell
@pytest.mark.parametrize("options", EVERY_STEP.values(), ids=EVERY_STEP)
def test_each_part_of_the_decomposition_is_that_of_its_gradient(cell, options):
    net, trace, dy = make(cell, **options)
    for direction in net.directions:
        parts = [hidden_of_step(net, trace, dy, s, direction.name) for s in range(len(dy))]
        found = loss_by_state(net, trace, dy, direction.name)
        np.testing.assert_allclose(found, logs_of(np.stack(parts)), atol=SINGLE[str(net.dtype)])
        total = net.backward(trace, dy, hidden=True).hidden[direction.name].h
        np.testing.assert_allclose(np.sum(parts, axis=0), total, atol=SINGLE[str(net.dtype)])


@every_cell
def test_no_loss_reaches_a_later_state(cell):
    net, trace, dy = make(cell)
    s, t = np.indices((7, 7))
    for layer in ("l0", "l1"):
        reached = loss_by_state(net, trace, dy, layer) > -np.inf
        np.testing.assert_array_equal(reached[t > s], False)
        if cell != "relu":  # whose units may all be off
            np.testing.assert_array_equal(reached[t <= s], True)


def test_in_two_directions_every_loss_reaches_every_state_but_of_the_last_layer():
    net, trace, dy = make("tanh", bidirectional=True)
    s, t = np.indices((7, 7))
    assert np.isfinite(loss_by_state(net, trace, dy, "l0")).all()
    for layer, reaches in (("l1", t <= s), ("l1.reverse", t >= s)):
        np.testing.assert_array_equal(np.isfinite(loss_by_state(net, trace, dy, layer))[..., 0], reaches)


@pytest.mark.parametrize("block", [1, 3000, 10**9])
def test_blocks_do_not_change_the_result(monkeypatch, block):
    net, trace, dy = make("lstm")
    expected = loss_by_state(net, trace, dy)
    monkeypatch.setattr("rnnkit.gradients.log_norms.BLOCK_BYTES", block)
    np.testing.assert_allclose(loss_by_state(net, trace, dy), expected, atol=ROUNDING)


@pytest.mark.parametrize(("cell", "gain"), [("tanh", 0.5), ("tanh", 2.0), ("sigmoid", 1.0), ("identity", 3.0)])
def test_lags_of_several_hundred_steps_against_a_plain_loop(cell, gain):
    """In float32 the gradients of the first and third net are all zero there, those of the last overflow."""
    T, x = 400, np.zeros((400, 2, 4))
    if cell != "identity":  # whose states would leave float32
        x = rnnkit.rng.streams(1).data.standard_normal(x.shape)
    single, net = (rnnkit.RNN(4, 5, cell=cell, gain=gain, seed=2, dtype=dtype) for dtype in SINGLE)
    trace, dy = net.forward(x), np.zeros((T, 2, 5))
    dy[-1] = 1
    found = loss_by_state(net, trace, dy)[-1]
    delta, log, h = dy[-1], np.zeros(2), trace.layers[0].h
    slopes = {"tanh": 1 - h**2, "sigmoid": h * (1 - h), "identity": np.ones_like(h)}[cell]
    for t in reversed(range(T)):
        norm = np.linalg.norm(delta, axis=1)
        log, delta = log + np.log(norm), delta / norm[:, None]
        np.testing.assert_allclose(found[t], log, rtol=0, atol=FAR)
        delta = (delta * slopes[t + 1]) @ net.parameters["l0.W_hh"].T
    np.testing.assert_allclose(hidden_log_norms(net, trace, dy)["l0"].h, found, rtol=0, atol=FAR)
    in_float32 = hidden_of_step(single, single.forward(x.astype(np.float32)), dy.astype(np.float32), T - 1)[0]
    assert not in_float32.any() if cell == "sigmoid" or gain < 1 else in_float32.any()


def test_a_tiny_net_by_finite_differences():
    """dL_s/dh_t of the upper layer, by the first state of a trace that begins at step t + 1."""
    net, trace, dy = make("lstm", T=4, B=2)
    found = loss_by_state(net, trace, dy, "l1")
    for s in range(4):
        for t in range(s):
            state = states_before(net, trace, t + 1)

            def loss(state=state, t=t, s=s):
                return (net.forward(trace.x[t + 1 :], state).y[s - t - 1] * dy[s]).sum()

            expected = numerical_gradient(loss, state.h)
            np.testing.assert_allclose(found[s, t], logs_of(expected[1]), atol=NUMERICAL)


def test_the_one_loss_of_a_last_output_is_not_split_by_step():
    net, trace, dy = make("tanh", output="last")
    with pytest.raises(ValueError, match=r"^net must have output='every', got output='last': its loss has one step"):
        loss_by_state(net, trace, dy)
