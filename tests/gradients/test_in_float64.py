"""Log norms by scaled BPTT: those of derivatives as logarithms, to rounding, or none where floats would lose some."""

import numpy as np
import pytest
from cell_cases import EVERY, FOLDER

from rnnkit import RNN
from rnnkit.gradients import log_norms
from rnnkit.gradients.in_float64 import back, logs_of, loss_of, parts_of
from rnnkit.networks.forward import counted

ROUNDING = 1e-11  # nats: a hundred steps, each of some 1e-13 where a norm shrinks to a thousandth
T, B = 70, 3  # some segments, and a part of one


def made(lengths=None, dead=0, gain=1.0, **options):
    """Return (net, trace, dy), dy zero over the last `dead` steps."""
    net, rng = RNN(3, 9, 2, **{"dtype": "float64", "cell": "tanh"} | options), np.random.default_rng(0)
    for name, array in net.parameters.items():
        array *= gain
        if name.endswith("b_h"):
            array[:] = 0.3 * rng.standard_normal(array.shape)
    trace = net.forward(rng.standard_normal((T, B, 3)).astype(net.dtype), lengths=lengths)
    dy = rng.standard_normal(trace.y.shape).astype(net.dtype)
    if dead:
        dy[-dead:] = 0
    return net, trace, dy


def in_floats(net, trace, dy):
    counts = counted(net, trace.tape)
    if counts is not None:
        dy = np.where((counts if net.output == "every" else counts[0])[..., None], dy, 0)
    return logs_of(back(net, trace, parts_of(net, trace), loss_of(net, dy), net.directions))


@pytest.fixture
def exact(monkeypatch):
    """Return log norms by derivatives as logarithms."""

    def exactly(*arguments):
        with monkeypatch.context() as patched:
            patched.setattr(log_norms, "logs_of", lambda _: None)
            return log_norms.hidden_log_norms(*arguments, first=True)

    return exactly


def assert_equal(found, wanted):
    assert found.keys() == wanted.keys()
    for name, of_states in wanted.items():
        assert found[name].names == of_states.names
        for one, other in zip(found[name], of_states, strict=True):
            np.testing.assert_array_equal(np.isneginf(one), np.isneginf(other))
            np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("cell", [cell for cell in EVERY if cell.__name__ not in ("Adaptive", "Switch", "Delay")])
@pytest.mark.parametrize("output", ["every", "last"])
def test_every_cell(exact, cell, output):
    net, trace, dy = made(cell=cell, output=output, dead=2 * (output == "every"))
    found = in_floats(net, trace, dy)
    if found is None:  # after 70 steps relu's nine units may all be off
        assert (cell.__name__, output) == ("Relu", "last")
        return
    assert_equal(found, exact(net, trace, dy))


MANY = [
    {"layers": 2, "cell": "gru"},
    {"output": "last"},
    {"cell": FOLDER / "leaky.py"},
    {"bidirectional": True, "layers": 2, "cell": "lstm"},
    {"bidirectional": True, "output": "last"},
    {"dtype": "float32", "cell": "gru"},
    {"dtype": "float32", "cell": FOLDER / "co_rnn.py", "layers": 2, "bidirectional": True},
]


@pytest.mark.parametrize("options", MANY)
@pytest.mark.parametrize("lengths", [[T, 40, 0], [16, 1, T]])
def test_rows_of_other_lengths(exact, options, lengths):
    net, trace, dy = made(lengths, **options)
    found = in_floats(net, trace, dy)
    assert found is not None
    assert_equal(found, exact(net, trace, dy))


@pytest.mark.parametrize("radius", [1e-3, 30.0])
def test_what_grows_or_fades_beyond_float64(exact, radius):
    """A linear net of radius 30 over 70 steps: e^238, and of .001: e^-484; both at once where dy has every step."""
    net, trace, dy = made(cell="identity", spectral_radius=radius, output="last")
    found = in_floats(net, trace, dy)
    if found is not None:
        assert_equal(found, exact(net, trace, dy))
    assert_equal(log_norms.hidden_log_norms(net, trace, dy, first=True), exact(net, trace, dy))


def diagonal(cell, **options):
    """Return a net of two units that do not meet: unit 0 is driven by x 0, unit 1 by x 1."""
    net = RNN(2, 2, **{"cell": cell, "dtype": "float64", "output": "last"} | options)
    net.parameters["l0.W_xh"][:] = np.hstack([np.eye(2)] * (net.parameters["l0.W_xh"].shape[1] // 2))
    return net


def test_a_saturated_unit_beside_one_that_fades_slowly(exact):
    """Its derivative, far below what rounds, leads once the other has faded; no step shrinks by much."""
    net, x = diagonal("tanh", initializer=np.diag([0.1, 1.0])), np.zeros((80, 1, 2))
    x[78, 0, 1] = 30
    trace, dy = net.forward(x), np.ones((1, 2))
    assert_equal(in_floats(net, trace, dy), exact(net, trace, dy))
    net, x = diagonal(FOLDER / "min_gru.py"), np.zeros((100, 1, 2))
    net.parameters["l0.W_xh"][:, 2:] = 0
    x[:, 0, 0], x[-1, 0, 0] = -40, 40  # a gate that shuts once; the other unit halves each step
    trace = net.forward(x)
    found = in_floats(net, trace, dy)
    assert found["l0"].h[0, 0] == pytest.approx(-40, rel=ROUNDING)
    assert_equal(found, exact(net, trace, dy))


def test_a_unit_that_would_underflow_beside_the_other(exact):
    """The other halves over the last steps, this one over more before: e^-762 of it, and then leads."""
    net, x = diagonal(FOLDER / "min_gru.py"), np.full((3300, 1, 2), -40.0)
    net.parameters["l0.W_xh"][:, 2:] = 0
    x[2200:, 0, 1], x[:2200, 0, 0] = 0, 0
    trace, dy = net.forward(x), np.ones((1, 2))
    assert in_floats(net, trace, dy) is None
    found = log_norms.hidden_log_norms(net, trace, dy, first=True)
    assert found["l0"].h[0, 0] == pytest.approx(-1100 * np.log(2), rel=ROUNDING)


@pytest.mark.parametrize("factor", [1e165, 1e-165])
def test_losses_of_very_different_sizes(exact, factor):
    net = RNN(1, 2, cell="identity", initializer=np.eye(2), dtype="float64")
    net.parameters["l0.W_xh"][:] = 0
    trace, dy = net.forward(np.zeros((16, 2), np.int64)), np.zeros((16, 2, 2))
    dy[-1], dy[0] = [[1], [factor]], factor
    found = log_norms.hidden_log_norms(net, trace, dy, first=True)
    assert found["l0"].h[-1] == pytest.approx([0.5 * np.log(2), 0.5 * np.log(2) + np.log(factor)], rel=ROUNDING)
    assert_equal(found, exact(net, trace, dy))


def test_derivatives_that_no_float_holds_are_left_to_logarithms(exact):
    net, trace, dy = made(gain=3000.0, output="last")
    assert in_floats(net, trace, dy) is None
    assert_equal(log_norms.hidden_log_norms(net, trace, dy, first=True), exact(net, trace, dy))


def test_a_gradient_of_exactly_zero_is_found(exact):
    net, trace, dy = made(cell="relu", output="last")
    net.parameters["l0.W_hh"][:] = 0
    trace = net.forward(trace.x)
    assert np.isneginf(in_floats(net, trace, dy)["l0"].h[:-1]).all()
    assert_equal(log_norms.hidden_log_norms(net, trace, dy, first=True), exact(net, trace, dy))


def test_what_is_not_finite_is_left_to_the_exact_way():
    net, trace, dy = made(output="last")
    dy[0, 0] = np.nan
    assert in_floats(net, trace, dy) is None
    found = log_norms.hidden_log_norms(net, trace, dy)["l0"].h
    assert np.isnan(found[:, 0]).all()
    assert np.isfinite(found[:, 1:]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("size", [None, 2])
def test_a_loss_that_is_not_finite_at_one_step_is_seen_there_and_before(bad, size):
    net = RNN(2, 3, size, dtype="float64")
    trace = net.forward(np.ones((6, 2, 2)))
    dy = np.ones(trace.y.shape)
    dy[3, 1] = bad  # all of a row: the largest of its numbers is none
    for found in (log_norms.hidden_log_norms(net, trace, dy)["l0"].h, log_norms.loss_by_state(net, trace, dy)[3]):
        assert not np.isfinite(found[:4, 1]).any()
        assert not np.isnan(found[4:]).any()
        assert np.isfinite(found[:4, 0]).all()


def test_a_product_with_a_tiny_weight_that_leaves_float64(exact):
    """Unit 1 gets 1e-160 of unit 0's loss and a weight of 1e-170, which makes 0 of it; it leads where unit 0 ends."""
    net, x = diagonal("relu", initializer=np.diag([1.0, 1e-170])), np.ones((4, 1, 2))
    x[0, 0, 0] = -5  # unit 0 is off at the first step
    trace, dy = net.forward(x), np.array([[1.0, 1e-160]])
    found = log_norms.hidden_log_norms(net, trace, dy, first=True)
    assert found["l0"].h[0, 0] == pytest.approx(-(160 + 4 * 170) * np.log(10), rel=1e-9)
    assert_equal(found, exact(net, trace, dy))
