"""A record of gradients against BPTT in float64, a tanh net written out, and nets that have left what floats hold."""

import json

import numpy as np
import pytest

import rnnkit
from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.gradients.record import BURN_IN, STEPS, gradient_record, lowest_radius
from rnnkit.rng import streams

ROUNDING = 1e-9  # logarithms of sums of some ten float64 steps
SETTLED = 0.03  # nats a step: first and last directions differ by factors of up to some e^5, over 250 steps
SHAPES = {
    "tanh": {},
    "two layers": {"layers": 2},
    "both directions": {"bidirectional": True},
    "lstm": {"cell": "lstm"},
    "every output": {"output": "every"},
}


def make(seed=0, T=6, B=4, **options):
    """Return (net, x, target) in float64; classes of the last output, or of every one."""
    net = rnnkit.RNN(3, 5, 4, **{"output": "last", "dtype": "float64", "seed": seed} | options)
    rng = streams(seed).data
    shape = (T, B) if net.output == "every" else (B,)
    return net, rng.standard_normal((T, B, 3)).astype(net.dtype), rng.integers(4, size=shape)


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_log_norms_are_those_of_bptt(options):
    net, x, target = make(**options)
    found = gradient_record(net, x, target, loss="softmax")
    value, gradients, _ = net.loss_and_gradients(x, target, loss="softmax", hidden=True)
    assert found["loss"] == value
    for name, of_states in gradients.hidden.items():
        joint = np.concatenate(list(of_states), axis=-1)  # all states of a direction together
        logs = np.log(4 * np.linalg.norm(joint, axis=-1))[::-1]  # of a sequence's own loss: the mean is over 4
        rows = found["lags"][name]
        np.testing.assert_allclose(rows["log_norm"], logs.mean(axis=1), rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(rows["log_norm_sd"], logs.std(axis=1), rtol=0, atol=ROUNDING)
        assert (rows["lag"], rows["n"]) == (list(range(6)), [4] * 6)
    norms = {name: np.log(np.linalg.norm(g)) for name, g in gradients.parameters.items()}
    assert found["log_weight_norms"] == pytest.approx(norms, abs=ROUNDING)
    assert json.loads(json.dumps(found)) == found


def test_a_mask_counts():
    net, x, target = make(output="every")
    mask = np.zeros(target.shape, bool)
    mask[2] = True
    rows = gradient_record(net, x, target, loss="softmax", mask=mask)["lags"]["l0"]
    assert rows["n"] == [0, 0, 0, 4, 4, 4]  # no loss after step 2
    assert rows["log_norm"][:3] == [None] * 3


def test_a_batch_twice_says_the_same():
    net, x, target = make()
    once = gradient_record(net, x, target, loss="softmax")
    twice = gradient_record(net, np.tile(x, (1, 2, 1)), np.tile(target, 2), loss="softmax")
    assert twice["lags"]["l0"]["log_norm"] == pytest.approx(once["lags"]["l0"]["log_norm"], abs=ROUNDING)
    assert twice["log_weight_norms"] == pytest.approx(once["log_weight_norms"], abs=ROUNDING)


def test_nothing_of_the_net_changes():
    net, x, target = make()
    before = net.flat.tobytes()
    first = gradient_record(net, x, target, loss="softmax")
    assert gradient_record(net, x, target, loss="softmax") == first
    assert net.flat.tobytes() == before


@pytest.mark.parametrize("gain", [0.7, 3.0])
def test_the_exponent_is_that_of_the_sequences_one_after_another(gain):
    net, x, target = make(T=8, B=40, gain=gain)
    W_xh, W_hh, b_h = (net.parameters[f"l0.{name}"] for name in ("W_xh", "W_hh", "b_h"))
    h, change, logs = np.zeros(5), np.ones(5), []
    for x_t in x.swapaxes(0, 1).reshape(-1, 3)[:STEPS]:
        h = np.tanh(x_t @ W_xh + h @ W_hh + b_h)
        change = (change @ W_hh) * (1 - h**2)  # forward in time; a record takes gradients back
        logs.append(np.log(np.linalg.norm(change)))
        change /= np.linalg.norm(change)
    exponent = gradient_record(net, x, target, loss="softmax")["exponent"]
    assert exponent == pytest.approx(np.mean(logs[BURN_IN:]), abs=SETTLED)


@pytest.mark.parametrize("options", [{"layers": 2}, {"cell": "lstm"}, {"cell": "gru", "layers": 2}])
def test_the_exponent_of_any_net_is_the_largest_of_all(options):
    net, x, target = make(T=8, B=40, **options)
    row = x.swapaxes(0, 1).reshape(-1, 1, 3)[:STEPS]
    largest = lyapunov_exponents(net, net.forward(row), 1, BURN_IN)[0]
    assert gradient_record(net, x, target, loss="softmax")["exponent"] == pytest.approx(largest, abs=SETTLED)


def test_what_dies_out_has_no_exponent_but_minus_infinity():
    net, x, target = make(cell="relu")
    net.parameters["l0.b_h"][:] = -100
    assert gradient_record(net, x, target, loss="softmax")["exponent"] == -np.inf


def test_what_a_net_has_not_is_none():
    both, x, target = make(bidirectional=True)
    assert gradient_record(both, x, target, loss="softmax")["exponent"] is None
    assert lowest_radius(make(cell="lstm")[0]) is None
    net = make(seed=3)[0]
    radius = np.abs(np.linalg.eigvals(net.parameters["l0.W_hh"])).max()
    assert lowest_radius(net) == pytest.approx(radius, rel=ROUNDING)


def test_a_saturated_net_has_logarithms_where_floats_are_zero():
    """By hand: a unit at a = 30 lets through (1 - tanh(30)^2) w, which is 4 e^-60 w."""
    net = rnnkit.RNN(1, 1, 1, output="last", seed=0)
    net.flat[:] = 0
    net.parameters["l0.b_h"][:], net.parameters["l0.W_hh"][:], net.parameters["W_hy"][:] = 29, 1, 1
    found = gradient_record(net, np.zeros((5, 1, 1), "f4"), np.zeros((1, 1), "f4"))
    steps = np.diff(found["lags"]["l0"]["log_norm"])
    np.testing.assert_allclose(steps, np.log(4) - 60, rtol=0, atol=1e-6)
    assert found["log_weight_norms"]["l0.W_hh"] == -np.inf
    assert found["log_weight_norms"]["W_hy"] > -np.inf
    net.parameters["l0.b_h"][:] = 500  # 4 e^-1000
    found = gradient_record(net, np.zeros((5, 1, 1), "f4"), np.zeros((1, 1), "f4"))
    np.testing.assert_allclose(np.diff(found["lags"]["l0"]["log_norm"]), np.log(4) - 1002, rtol=0, atol=1e-6)
    assert found["exponent"] is None


@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("cell", ["tanh", "relu", "lstm"])
def test_weights_that_are_not_finite_are_counted(cell, value):
    net, x, target = make(cell=cell, dtype="float32")
    net.parameters["l0.W_hh"][0, :2] = value
    found = gradient_record(net, x, target, loss="softmax")
    assert found["n_nonfinite"] == 2
    assert (found["exponent"], found["spectral_radius"]) == (None, None)
    assert min(found["lags"]["l0"]["n"]) == 0


def test_finite_weights_whose_states_overflow():
    net, x, target = make(cell="relu", dtype="float32", T=8)
    net.parameters["l0.W_hh"][:] = 1e30
    found = gradient_record(net, np.abs(x), target, loss="softmax")
    assert (found["n_nonfinite"], found["exponent"]) == (0, None)
    assert not np.isfinite(found["loss"])
