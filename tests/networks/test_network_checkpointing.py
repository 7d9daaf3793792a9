"""BPTT of any network from states kept before some segments: the same gradients, in less memory."""

import tracemalloc

import numpy as np
import pytest
from cell_cases import EVERY, FOLDER

from rnnkit import RNN
from rnnkit.gradients.gradcheck import check_network
from rnnkit.gradients.jacobians import step_jacobian
from rnnkit.gradients.log_norms import hidden_log_norms

T, B = 300, 3
LENGTHS = [300, 130, 0]
# The gradients of the readout and of per_unit weights are sums over segments, which round otherwise than over steps.
ROUNDING = {"float64": 1e-13, "float32": 1e-4}


def both(lengths=None, hidden=True, **options):
    """Return gradients without and with checkpointing, and the traces."""
    options = {"dtype": "float64"} | options
    net, rng = RNN(3, 5, 2, **options), np.random.default_rng(0)
    x = rng.standard_normal((T, B, 3)).astype(net.dtype)
    state, dstate = net.initial_state(B), net.initial_state(B)
    for array in (*state, *dstate):
        array[:] = 0.3 * rng.standard_normal(array.shape)
    traces = [net.forward(x, state, lengths, checkpointing=on) for on in (False, True)]
    dy = rng.standard_normal(traces[0].y.shape).astype(net.dtype)
    return traces, [net.backward(trace, dy, dstate, hidden=hidden) for trace in traces]


def assert_equal(traces, gradients, dtype="float64"):
    (a, b), (g, h) = traces, gradients
    assert a.y.tobytes() == b.y.tobytes()
    for one, other in zip((*a.state, *g.state), (*b.state, *h.state), strict=True):
        assert one.tobytes() == other.tobytes()
    assert g.dx.tobytes() == h.dx.tobytes()
    for name, array in g.parameters.items():
        if not name.endswith("h"):  # W_xh, W_hh, b_h
            scale = max(1.0, float(np.abs(array).max()))
            np.testing.assert_allclose(h.parameters[name], array, rtol=0, atol=ROUNDING[dtype] * scale)
        else:
            assert h.parameters[name].tobytes() == array.tobytes(), name
    for name, of_states in g.hidden.items():
        for one, other in zip(of_states, h.hidden[name], strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("cell", EVERY)
def test_every_cell_has_the_same_gradients(cell):
    assert_equal(*both(cell=cell))


@pytest.mark.parametrize("output", ["every", "last"])
@pytest.mark.parametrize("lengths", [None, LENGTHS])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_stacks_lengths_and_outputs(output, lengths, layers, dtype):
    options = {"cell": FOLDER / "leaky.py", "output": output, "layers": layers, "dtype": dtype}
    assert_equal(*both(lengths, **options), dtype)


def test_symbols_parametrizations_and_no_readout():
    net = RNN(4, 5, None, cell="gru", parametrization="orthogonal", dtype="float64")
    x = np.random.default_rng(0).integers(4, size=(T, B))
    traces = [net.forward(x, checkpointing=on) for on in (False, True)]
    dy = np.ones(traces[0].y.shape)
    assert_equal(traces, [net.backward(trace, dy, hidden=True) for trace in traces])


def test_without_a_loss_on_outputs():
    net = RNN(3, 5, 2, dtype="float64")
    x, dstate = np.ones((T, B, 3)), net.initial_state(B)
    dstate[0][:] = 1
    g, h = (net.backward(net.forward(x, checkpointing=on), None, dstate) for on in (False, True))
    assert g.flat.tobytes() == h.flat.tobytes()


def test_against_finite_differences():
    net = RNN(2, 3, 1, cell="lstm", dtype="float64")
    x, target = np.random.default_rng(0).standard_normal((2, 130, 1, 2)), np.ones((130, 1, 1))  # two segments
    assert max(check_network(net, x[0], target, checkpointing=True).values()) < 1e-8


def test_memory_is_that_of_some_segments():
    net = RNN(4, 64, 1, cell="lstm", output="last")
    x = np.zeros((4000, 8, 4), np.float32)
    peaks = []
    for checkpointing in (False, True):
        net.backward(net.forward(x, checkpointing=checkpointing), np.ones((8, 1), np.float32))  # compiles
        tracemalloc.start()
        net.backward(net.forward(x, checkpointing=checkpointing), np.ones((8, 1), np.float32))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] / 8  # 4000 steps of 6 H numbers, or of 64 and 62 states beside x and dx


def test_what_needs_all_states_says_so():
    net = RNN(3, 5, 2, dtype="float64")
    trace = net.forward(np.zeros((T, B, 3)), checkpointing=True)
    assert trace.h.shape == (0, B, 5)
    for call in (
        lambda: hidden_log_norms(net, trace, np.ones(trace.y.shape)),
        lambda: step_jacobian(net, trace, 0),
    ):
        with pytest.raises(
            ValueError, match=r"^trace must hold all states, got one of forward\(\.\.\., checkpointing=True"
        ):
            call()
    with pytest.raises(ValueError, match=r"^truncation=.* cannot be combined with checkpointing=True: its windows"):
        net.backward(trace, np.ones(trace.y.shape), truncation=(2, 4))
    with pytest.raises(ValueError, match=r"^checkpointing=True cannot be combined with bidirectional=True: the second"):
        RNN(3, 5, 2, bidirectional=True).forward(np.zeros((T, B, 3), np.float32), checkpointing=True)
    with pytest.raises(ValueError, match=r"^checkpointing must be True or False, got 1"):
        net.forward(np.zeros((T, B, 3)), checkpointing=1)


def test_the_callers_state_is_copied():
    net = RNN(3, 5, 2, dtype="float64")
    state, x = net.initial_state(B), np.random.default_rng(0).standard_normal((T, B, 3))
    state[0][:] = 0.3
    trace = net.forward(x, state, checkpointing=True)
    before = net.backward(trace, trace.y).flat.copy()
    state[0][:] = 0
    assert net.backward(trace, trace.y).flat.tobytes() == before.tobytes()
