"""Scaled BPTT of a loss on the last states: against mpmath where derivatives leave floats, and over any length."""

import mpmath as mp
import numpy as np
import pytest
from cell_cases import EVERY
from exact import BITS, SATURATED, exact, log_norm, slope

from rnnkit import RNN
from rnnkit.gradients import scaled_backward
from rnnkit.gradients.scaled_backward import backward_scaled, log_norms_by_sample
from rnnkit.networks.by_state import State

ROUNDING = 1e-11  # relative to a logarithm, or to 1: of a few steps, and of a itself
GRADIENTS = 1e-9  # relative, of one whose logarithm is some thousand
OF_DTYPE = {"float32": 1e-5, "float64": 1e-11}  # gradients are handed out in the net's dtype
LONG = 1e-11  # relative, of a sum of 100,000 equal logarithms
every_dtype = pytest.mark.parametrize("dtype", OF_DTYPE)
every_activation = pytest.mark.parametrize("activation", SATURATED)


@pytest.fixture(autouse=True)
def precision():
    with mp.workprec(BITS):
        yield


def net_of(W_hh, cell, dtype, W_xh=None, b_h=0.0, inputs=None):
    net = RNN(inputs or len(W_hh), len(W_hh), cell=cell, initializer=np.asarray(W_hh), dtype=dtype)
    net.parameters["l0.W_xh"][:] = np.eye(len(W_hh)) if W_xh is None else W_xh
    net.parameters["l0.b_h"][:] = b_h
    return net


def driven(activation, dtype, sizes, H=3, T=6, W="dense", seed=0, signs=(-1, 1)):
    """Return (net, trace, dstate) of units whose pre-activations have these sizes, but for W h."""
    rng = np.random.default_rng(seed)
    x = rng.choice(sizes, (T, 2, H)) * rng.choice(signs, (T, 2, H))
    W_hh = rng.standard_normal((H, H)) if W == "dense" else np.diag(rng.uniform(0.5, 1.5, H))
    net = net_of(W_hh, activation, dtype, b_h=0.1 * rng.standard_normal(H))
    return net, net.forward(x.astype(dtype)), State(h=rng.standard_normal((1, 2, H)).astype(dtype))


def deltas(net, trace, dstate, b):
    """Yield (dL/dh_t, dL/da_t) of sample b from the last step back, and last (dL/dh_0, None)."""
    W_xh, W_hh, b_h = (exact(net.parameters[f"l0.{name}"]) for name in ("W_xh", "W_hh", "b_h"))
    x, h, delta = exact(trace.x), exact(trace.layers[0].h), exact(dstate.h[0, b])
    for t in reversed(range(len(x))):
        a = x[t, b] @ W_xh + h[t, b] @ W_hh + b_h
        z = delta * np.array([slope(a_j, net.cell.name) for a_j in a])
        yield delta, z
        delta = z @ W_hh.T
    yield delta, None


def exact_log_norms(*run):
    return np.array([[log_norm(delta) for delta, _ in deltas(*run, b)] for b in (0, 1)]).T[::-1]


def assert_logs(found, expected):
    np.testing.assert_allclose(found, expected, rtol=ROUNDING, atol=ROUNDING)


@every_dtype
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("activation", "size"), [(name, size) for name in SATURATED for size in SATURATED[name]])
def test_one_saturated_unit(activation, size, sign, dtype):
    """Every step costs ln phi'(a): 2 ln 2 - 2 |a| of tanh, -|a| of sigmoid, to e^-2|a|, beside the bias and W h."""
    run = driven(activation, dtype, (size,), H=1, T=3, signs=(sign,))
    found = backward_scaled(*run).log_norms["l0"].h
    assert_logs(found, exact_log_norms(*run))
    assert found[0].max() < -2.5 * size  # three steps, each of |a| - 3 at least


@every_dtype
@every_activation
@pytest.mark.parametrize("W", ["dense", "diagonal"])
def test_saturated_beside_free_units(activation, W, dtype):
    """In a diagonal net each unit goes its own way: the largest of a step may be the least of the next."""
    for seed in range(4):
        run = driven(activation, dtype, (1.0, *SATURATED[activation]), W=W, seed=seed)
        assert_logs(backward_scaled(*run).log_norms["l0"].h, exact_log_norms(*run))


@every_dtype
def test_a_unit_that_fades_far_below_the_other_and_leads_again(dtype):
    """No single step is deep: 3 nats below the other at each of 300 steps, beyond both dtypes; then that one shuts."""
    x = np.zeros((303, 1, 2), dtype)
    x[3:, 0, 0], x[:3, 0, 1] = 1.5, 1000  # a of the first unit is 2.5, with its state of .98
    net = net_of(np.eye(2), "tanh", dtype)
    trace = net.forward(x)
    found = backward_scaled(net, trace, State(h=np.ones((1, 1, 2), dtype))).log_norms["l0"].h
    a = (x + trace.layers[0].h[:-1].astype(float))[:, 0].T
    slopes = [sum(float(mp.log(slope(mp.mpf(float(of_step)), "tanh"))) for of_step in unit) for unit in a]
    assert slopes[1] < slopes[0] - 1000
    assert_logs(found[0, 0], slopes[0])


@every_dtype
@every_activation
@pytest.mark.parametrize("deepest", [2, 3])
def test_weights_against_mpmath(activation, deepest, dtype):
    run = driven(activation, dtype, (1.0, *SATURATED[activation][:deepest]), seed=1)
    _, trace, _ = run
    x, h, found, expected = exact(trace.x), exact(trace.layers[0].h), backward_scaled(*run), [0, 0, 0]
    for b in (0, 1):
        for t, (_, z) in zip(reversed(range(len(x))), deltas(*run, b), strict=False):
            expected = [expected[0] + np.outer(x[t, b], z), expected[1] + np.outer(h[t, b], z), expected[2] + z]
    for name, wanted in zip(("W_xh", "W_hh", "b_h"), expected, strict=True):
        wanted = (wanted * mp.exp(-mp.mpf(found.log_scale))).astype(float)
        tolerance = max(GRADIENTS, OF_DTYPE[dtype])
        got = found.parameters[f"l0.{name}"]
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize(("activation", "size"), [(name, size) for name in SATURATED for size in SATURATED[name]])
def test_weights_of_one_saturated_unit(activation, size):
    """Plain BPTT has zeros there, or what is left of rounding; of the scaled one, logarithms are right."""
    run = driven(activation, "float64", (size,), H=1, T=2)
    net, trace, dstate = run
    found = backward_scaled(*run)
    total = sum(z[0] for b in (0, 1) for _, z in deltas(*run, b) if z is not None)
    logs = np.log(np.abs(float(found.parameters["l0.b_h"][0]))) + found.log_scale
    assert_logs(logs, float(mp.log(abs(total))))
    assert np.abs(net.backward(trace, None, dstate).parameters["l0.b_h"][0]) < 1e-7


def test_samples_of_other_sizes():
    """The second sample is e^-40 of the first at the last step, and e^1000 of it at the first: a factor of e^1041."""
    net = net_of(np.eye(1), "tanh", "float64")
    run = net, net.forward(np.array([[[0.0], [0.0]], [[520.0], [0.0]]])), State(h=[[[1.0], [np.exp(-40)]]])
    run = (*run[:2], State(h=np.array(run[2].h)))
    found = backward_scaled(*run)
    total = sum(z[0] for b in (0, 1) for _, z in deltas(*run, b) if z is not None)
    assert_logs(np.log(found.parameters["l0.b_h"][0]) + found.log_scale, float(mp.log(total)))


@pytest.mark.parametrize("cls", EVERY)
def test_weights_from_logarithms_are_those_of_floats(cls, monkeypatch):
    net = RNN(3, 5, cell=cls, dtype="float64", layers=2)
    rng = np.random.default_rng(3)
    trace = net.forward(rng.standard_normal((9, 2, 3)))
    dstate = State.of(net.cell.states, [rng.standard_normal(a.shape) for a in trace.state])
    wanted = net.backward(trace, None, dstate)
    monkeypatch.setattr(scaled_backward, "logs_of", lambda _: None)
    found = backward_scaled(net, trace, dstate)
    for name, gradient in wanted.parameters.items():
        got = found.parameters[name] * np.exp(found.log_scale)
        np.testing.assert_allclose(got, gradient, rtol=1e-9, atol=1e-9 * np.abs(wanted.flat).max(), err_msg=name)
    for got, gradient in zip(found.state, wanted.state, strict=True):
        got = got * np.exp(found.state_log_scale)
        np.testing.assert_allclose(got, gradient, rtol=1e-9, atol=1e-9 * max(np.abs(a).max() for a in wanted.state))


def test_symbols_in_logarithms():
    """Symbols pick rows of W_xh, which saturate the units."""
    rng, W_xh = np.random.default_rng(0), np.array([[1.0, -30.0, 400.0], [-50.0, 0.5, 30.0]])
    net, symbols = net_of(rng.standard_normal((3, 3)), "tanh", "float64", W_xh, inputs=2), np.array([[0, 1], [1, 1]])
    dstate = State(h=rng.standard_normal((1, 2, 3)))
    one_hot, found = (backward_scaled(net, net.forward(x), dstate) for x in (np.eye(2)[symbols], symbols))
    assert_logs(found.log_norms["l0"].h, one_hot.log_norms["l0"].h)
    assert_logs(found.log_scale, one_hot.log_scale)
    for name, gradient in one_hot.parameters.items():
        np.testing.assert_allclose(found.parameters[name], gradient, rtol=ROUNDING, atol=ROUNDING)


def linear_log_norms(factor, T, dtype):
    """Log norms by lag of one sample of h_t = factor h_{t-1}, with a gradient of norm 1 at the end."""
    net = net_of(factor * np.eye(2), "identity", dtype, inputs=1, W_xh=0)
    last = net.initial_state(1)
    last.h[0, 0, 0] = 1
    return backward_scaled(net, net.forward(np.zeros((T, 1), np.int64)), last).log_norms["l0"].h[::-1, 0]


@every_dtype
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_powers_of_a_constant_factor(factor, dtype):
    """The article: .5^10 = .00098, .5^20 = 9.5e-7, 2^10 = 1024, 2^20 = 1,048,576."""
    log_norms = linear_log_norms(factor, 20, dtype)
    for lag in (10, 20):
        assert log_norms[lag] == pytest.approx(lag * np.log(factor), rel=1e-15)


@every_dtype
@pytest.mark.parametrize("growth", [0.1, -0.1])
def test_a_hundred_thousand_steps_neither_overflow_nor_underflow(growth, dtype):
    log_norms = linear_log_norms(np.exp(growth), 100_000, dtype)
    achieved = np.log(float(np.dtype(dtype).type(np.exp(growth))))  # of the weight as the dtype holds it
    np.testing.assert_allclose(log_norms, np.arange(100_001) * achieved, rtol=LONG, atol=1e-15)


@pytest.mark.parametrize(("growth", "dtype"), [(0.1, "float64"), (-0.1, "float32")])
def test_weights_of_3000_steps(growth, dtype):
    """The gradient at the first step of the vanishing net, e^-300, is beyond float32."""
    W_hh, T = np.exp(growth) * np.array([[0.8, 0.2], [0.2, 0.8]]), 3000  # eigenvalues e^growth, .6 e^growth
    net = net_of(W_hh, "identity", dtype)
    x = np.random.default_rng(0).uniform(0.5, 1, (T, 1, 2)).astype(dtype)
    trace, dstate = net.forward(x), State(h=np.array([[[0.6, 0.8]]], dtype))
    found = backward_scaled(net, trace, dstate)
    delta, W_T, totals = exact(dstate.h[0]), exact(net.parameters["l0.W_hh"].T), [0, 0, 0]
    for x_t, h_t in zip(exact(trace.x[::-1]), exact(trace.layers[0].h[-2::-1]), strict=True):
        totals = [totals[0] + x_t.T @ delta, totals[1] + h_t.T @ delta, totals[2] + delta.sum(axis=0)]
        delta = delta @ W_T
    factor = mp.exp(found.log_scale)
    for name, total in zip(("W_xh", "W_hh", "b_h"), totals, strict=True):
        expected = (total / factor).astype(float)
        np.testing.assert_allclose(found.parameters[f"l0.{name}"], expected, rtol=OF_DTYPE[dtype])


def test_an_exact_zero_is_minus_infinity_from_its_lag_on():
    """Relu passes nothing through sample 1 at the second step back."""
    net = net_of(np.ones((3, 3)), "relu", "float64")
    x = np.ones((5, 3, 3))
    x[3, 1] = -1e6
    found = backward_scaled(net, net.forward(x), State(h=np.ones((1, 3, 3)))).log_norms["l0"].h[::-1]
    np.testing.assert_array_equal(found[2:, 1], -np.inf)
    assert np.isfinite(found[:2]).all()
    assert np.isfinite(found[:, [0, 2]]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_non_finite_gradient_stays_visible(bad):
    net = RNN(3, 7, dtype="float64")
    trace, dh = net.forward(np.ones((5, 3, 3))), np.ones((1, 3, 7))
    dh[0, 1, 0] = bad
    found = backward_scaled(net, trace, State(h=dh))
    assert not np.isfinite(found.log_norms["l0"].h[:, 1]).any()
    assert np.isfinite(found.log_norms["l0"].h[:, [0, 2]]).all()
    assert not np.isfinite(found.parameters["l0.b_h"]).all()


def test_gradients_that_are_all_zero():
    net = RNN(3, 7, cell="relu", dtype="float64")
    found = backward_scaled(net, net.forward(np.ones((5, 3, 3))), net.initial_state(3))
    assert found.log_scale == -np.inf
    assert not any(gradient.any() for gradient in found.parameters.values())


@pytest.mark.parametrize("in_logarithms", [False, True])
@pytest.mark.parametrize("cls", [cls for cls in EVERY if cls().recurrent()])
def test_weights_of_each_sample(cls, in_logarithms, monkeypatch):
    net, rng = RNN(3, 5, cell=cls, dtype="float64", layers=2), np.random.default_rng(3)
    x, first = rng.standard_normal((9, 3, 3)), net.initial_state(3)
    trace = net.forward(x)
    dstate = State.of(net.cell.states, [rng.standard_normal(a.shape) for a in first])
    if in_logarithms:
        monkeypatch.setattr(scaled_backward, "logs_of", lambda _: None)
    for layer in ("l0", "l1"):
        found = log_norms_by_sample(net, trace, dstate, layer)
        for b in range(3):
            alone = State.of(net.cell.states, [np.ascontiguousarray(a[:, [b]]) for a in dstate])
            gradients = net.backward(net.forward(x[:, [b]].copy()), None, alone).parameters
            names = [f"{layer}.{name}" for name in net.cell.recurrent().values()]
            with np.errstate(divide="ignore"):  # where relu passes nothing
                wanted = np.log(np.linalg.norm(np.concatenate([gradients[name].ravel() for name in names])))
            assert found[b] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(("options", "lengths"), [({"bidirectional": True}, None), ({}, [1, 2])])
def test_a_second_direction_and_shorter_rows_are_refused(options, lengths):
    net = RNN(2, 3, **options)
    trace = net.forward(np.ones((2, 2, 2), np.float32), lengths=lengths)
    with pytest.raises(ValueError, match=r"^net must have one direction, and run rows of full length, got RNN\("):
        backward_scaled(net, trace, net.initial_state(2))
