"""What holds for every net, whatever its weights: identities between runs, threads, dtypes, and its name."""

import numpy as np
import pytest
from nets import (
    CELLS,
    EXACT,
    SINGLE,
    I,
    O,
    T,
    assert_close,
    assert_same_bytes,
    draw_like,
    draw_state,
    every_cell,
    everything,
    make,
    pick,
)
from pairs import every_pair

from rnnkit import RNN, parallel
from rnnkit.networks.by_state import State

either_input = pytest.mark.parametrize("symbols", [False, True], ids=["numbers", "symbols"])


@pytest.fixture
def set_threads():
    before = parallel.get_num_threads()
    yield parallel.set_num_threads
    parallel.set_num_threads(before)


@every_pair({"cell": CELLS, "bidirectional": [False, True], "output": ["every", "last"]})
def test_a_permuted_batch_permutes(cell, bidirectional, output):
    net, x, given = make(cell, B=20, layers=2, bidirectional=bidirectional, output=output, lengths=True)
    order, trace = np.random.default_rng(5).permutation(20), net.forward(x, **given)
    dy, dstate = draw_like(trace.y), draw_state(net, 20, np.random.default_rng(2))
    found = everything(trace, net.backward(trace, dy, dstate))
    permuted = net.forward(x[:, order].copy(), pick(given["state"], order), given["lengths"][order])
    back = net.backward(permuted, dy[order] if output == "last" else dy[:, order], pick(dstate, order))
    got = everything(permuted, back)
    assert_close(back.parameters, {name: found[name] for name in net.parameters}, EXACT)
    rows = {name: a for name, a in found.items() if name not in net.parameters}
    expected = {name: a[order] if name == "y" and output == "last" else a[:, order] for name, a in rows.items()}
    for name, e in expected.items():
        np.testing.assert_array_equal(got[name], e, name)


@every_pair({"cell": CELLS, "symbols": [False, True], "cut": [1, 3]})
def test_chunks_with_carried_state_equal_the_whole(cell, symbols, cut):
    net, x, given = make(cell, symbols=symbols, layers=2)
    trace, dstate = net.forward(x, **given), draw_state(net, 3, np.random.default_rng(2))
    dy = draw_like(trace.y)
    whole = net.backward(trace, dy, dstate)
    before = net.forward(x[:cut], **given)
    after = net.forward(x[cut:], before.state)
    np.testing.assert_array_equal(np.concatenate([before.y, after.y]), trace.y)
    for got, expected in zip(after.state, trace.state, strict=True):
        np.testing.assert_array_equal(got, expected)
    late = net.backward(after, dy[cut:], dstate)
    early = net.backward(before, dy[:cut], late.state)
    got = {name: late.parameters[name] + early.parameters[name] for name in net.parameters}
    got |= {"dx": np.concatenate([early.dx, late.dx]), "first.h": early.state.h}
    expected = whole.parameters | {"dx": whole.dx, "first.h": whole.state.h}
    assert_close(got, expected, EXACT)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_linear_net_is_a_power_of_its_matrix(layers):
    """No input, no bias: h_T = h_0 W^T; through two layers, the last state is the sum of all ways of T steps."""
    net = RNN(I, 3, None, cell="identity", layers=layers, dtype="float64")
    state = draw_state(net, 4, np.random.default_rng(0))
    trace = net.forward(np.zeros((7, 4, I)), state)
    W, power = net.parameters["l0.W_hh"], np.linalg.matrix_power
    np.testing.assert_allclose(trace.state.h[0], state.h[0] @ power(W, 7), rtol=0, atol=EXACT)
    last = draw_state(net, 4, np.random.default_rng(1)).h * (np.arange(layers) == layers - 1)[:, None, None]
    back = net.backward(trace, None, State(h=last), hidden=True)
    U = net.parameters[f"l{layers - 1}.W_hh"]
    for t in range(7):
        expected = last[-1] @ power(U.T, 6 - t)
        np.testing.assert_allclose(back.hidden[f"l{layers - 1}"].h[t], expected, rtol=0, atol=EXACT)
    if layers == 2:
        V = net.parameters["l1.W_xh"]
        directions = sum(power(W, t) @ V @ power(U, 7 - t) for t in range(1, 8))
        expected = state.h[0] @ directions + state.h[1] @ power(U, 7)
        np.testing.assert_allclose(trace.state.h[1], expected, rtol=0, atol=EXACT)
        np.testing.assert_allclose(back.state.h[0], last[-1] @ directions.T, rtol=0, atol=EXACT)


@every_pair({"cell": CELLS, "bidirectional": [False, True], "symbols": [False, True]})
def test_float32_against_float64(cell, bidirectional, symbols):
    found = []
    for dtype in ("float32", "float64"):
        net, x, given = make(cell, B=20, layers=2, bidirectional=bidirectional, symbols=symbols, dtype=dtype)
        trace, dstate = net.forward(x, **given), draw_state(net, 20, np.random.default_rng(2))
        found.append(everything(trace, net.backward(trace, draw_like(trace.y), dstate, hidden=True)))
    single, double = found
    assert {a.dtype for a in single.values()} == {np.dtype(np.float32)}
    assert_close(single, double, SINGLE)


@every_cell
@pytest.mark.parametrize(
    ("bidirectional", "truncation"), [(False, None), (True, None), (False, (7, 11))], ids=["one", "both", "truncated"]
)
def test_one_thread_and_two_give_the_same_bytes(cell, bidirectional, truncation, set_threads):
    net, x, given = make(cell, T=30, B=37, layers=2, bidirectional=bidirectional, lengths=True, dtype="float32")
    results = []
    for threads in (1, 2):
        set_threads(threads)
        trace = net.forward(x, **given)
        gradients = net.backward(trace, draw_like(trace.y), truncation=truncation, hidden=True)
        results.append(everything(trace, gradients))
    assert_same_bytes(*results)


@every_cell
def test_a_network_is_left_alone_by_its_runs(cell):
    net, x, given = make(cell, layers=2, bidirectional=True, lengths=True)
    target, arrays = np.zeros((T, 3, O)), [net.flat, x, given["lengths"], *[a for a in given["state"] if a is not None]]
    before = [a.copy() for a in arrays]
    first, again = (net.loss_and_gradients(x, target, hidden=True, **given) for _ in range(2))
    assert_same_bytes(everything(first.trace, first.gradients), everything(again.trace, again.gradients))
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_ways_back_from_one_run_do_not_meet():
    net, x, given = make("lstm", layers=2, bidirectional=True)
    trace = net.forward(x, **given)
    one = net.backward(trace, draw_like(trace.y, 1))
    kept = {name: a.copy() for name, a in everything(trace, one).items()}
    net.backward(trace, draw_like(trace.y, 2))
    assert_same_bytes(everything(trace, one), kept)


def test_the_flat_gradient_holds_the_parameters_in_their_order():
    net, x, given = make("gru", layers=2, bidirectional=True)
    gradients = net.loss_and_gradients(x, np.zeros((T, 3, O)), **given).gradients
    assert list(gradients.parameters) == list(net.parameters)
    np.testing.assert_array_equal(gradients.flat, np.concatenate([g.ravel() for g in gradients.parameters.values()]))


def test_outputs_without_a_readout_are_the_last_layers_states():
    every, last = (make("gru", layers=2, bidirectional=True, output_size=None, output=o)[0] for o in ("every", "last"))
    x = make()[1]
    trace = every.forward(x)
    np.testing.assert_array_equal(trace.y, trace.h)
    y = last.forward(x).y
    np.testing.assert_array_equal(y, np.concatenate([trace.h[-1, :, :3], trace.h[0, :, 3:]], axis=1))


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (RNN(6, 50, 4), "RNN(tanh, 6 -> 50 -> 4, float32, 3,054 parameters)"),
        (RNN(6, 50, cell="relu", layers=2), "RNN(relu, 6 -> 50 -> 50 -> states, float32, 7,900 parameters)"),
        (
            RNN(2, 3, 1, cell="lstm", bidirectional=True, output="last", dtype="float64"),
            "RNN(lstm, 2 -> 2 x 3 -> 1, output last, float64, 151 parameters)",
        ),
        (RNN(2, 3, cell="gru"), "RNN(gru, 2 -> 3 -> states, float32, 57 parameters)"),
    ],
)
def test_a_network_says_what_it_is(net, expected):
    assert repr(net) == expected
    assert net.num_parameters == sum(a.size for a in net.parameters.values())
