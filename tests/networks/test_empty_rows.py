"""A row of length 0 keeps its first state and counts for nothing; no step or no row at all is refused by its axis."""

import numpy as np
import pytest
from nets import (
    B,
    T,
    assert_close,
    assert_same_bytes,
    draw_like,
    draw_state,
    every_cell,
    everything,
    make,
    one_or_both,
    pick,
)

from rnnkit import RNN, EncoderDecoder, generate
from rnnkit.gradients.log_norms import hidden_log_norms, loss_by_state
from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.kernels import TANH, gru_forward, lstm_forward, readout_forward, rnn_backward, rnn_forward

LENGTHS = np.array([T, 0, 2])
ALIVE = LENGTHS > 0
ROUNDING = 1e-12  # another order of at most 60 float64 additions, relative to the largest sum


def run_all(net, x, state, lengths, dy, dstate):
    trace = net.forward(x, state, lengths)
    return everything(trace, net.backward(trace, dy, dstate, hidden=True))


@every_cell
@one_or_both
@pytest.mark.parametrize("output", ["every", "last"])
def test_an_empty_row_keeps_its_state_and_its_output_is_zero(cell, bidirectional, output):
    net, x, given = make(cell, layers=2, bidirectional=bidirectional, output=output)
    trace = net.forward(x, given["state"], LENGTHS)
    for last, first in zip(trace.state, given["state"], strict=True):
        if first is not None:
            np.testing.assert_array_equal(last[:, 1], first[:, 1])
    y = trace.y[:, 1] if output == "every" else trace.y[1]
    np.testing.assert_array_equal(y, np.zeros_like(y))
    assert (trace.y[..., ALIVE, :] != 0).any()


@every_cell
@one_or_both
@pytest.mark.parametrize("output", ["every", "last"])
def test_the_other_rows_are_as_without_it(cell, bidirectional, output):
    net, x, given = make(cell, layers=2, bidirectional=bidirectional, output=output)
    state, dstate = given["state"], draw_state(net, B, np.random.default_rng(2))
    dy = draw_like(net.forward(x).y)
    whole = run_all(net, x, state, LENGTHS, dy, dstate)

    def without(a):
        return None if a is None else np.ascontiguousarray(a[:, ALIVE])

    rest = run_all(
        net, without(x), pick(state, ALIVE), LENGTHS[ALIVE],
        np.ascontiguousarray(dy[..., ALIVE, :]), pick(dstate, ALIVE),
    )  # fmt: skip
    found = {name: a if name in net.parameters else a[..., ALIVE, :] for name, a in whole.items()}
    assert_close(found, rest, ROUNDING)


@every_cell
@one_or_both
@pytest.mark.parametrize("output", ["every", "last"])
def test_no_gradient_goes_through_it_but_that_of_its_state(cell, bidirectional, output):
    net, x, given = make(cell, layers=2, bidirectional=bidirectional, output=output)
    dstate, dy = draw_state(net, B, np.random.default_rng(2)), draw_like(net.forward(x).y)
    found = run_all(net, x, given["state"], LENGTHS, dy, dstate)
    for part, last in dstate.asdict().items():
        np.testing.assert_array_equal(found[f"first.{part}"][:, 1], last[:, 1])
    assert (found["dx"][:, 1] == 0).all()
    for name in found:
        if name.endswith((".dh", ".dc")):
            assert (found[name][:, 1] == 0).all(), name


@every_cell
@pytest.mark.parametrize("output", ["every", "last"])
def test_nothing_of_an_empty_row_is_read(cell, output):
    """Its x, dy and target may hold nan, and so may the state it begins with."""
    net, x, given = make(cell, output=output)
    target = np.random.default_rng(1).random(net.forward(x).y.shape)

    def gradients():
        found = net.loss_and_gradients(x, target, state=given["state"], lengths=LENGTHS)
        return dict(found.gradients.parameters) | {"loss": np.array(found.loss)}

    clean = gradients()
    x[:, 1], target[..., 1, :], given["state"].h[:, 1] = np.nan, np.nan, np.nan
    assert_same_bytes(gradients(), clean)


@pytest.mark.parametrize("output", ["every", "last"])
def test_the_loss_is_the_mean_over_what_counts(output):
    net, x, _ = make(output=output)
    y = net.forward(x, lengths=LENGTHS).y
    target = np.random.default_rng(1).random(y.shape)
    counts = np.arange(T)[:, None] < LENGTHS if output == "every" else ALIVE
    mask = np.random.default_rng(2).random(counts.shape) < 0.7
    for options, chosen in (({}, counts), ({"mask": mask}, counts & mask)):
        loss = net.loss_and_gradients(x, target, lengths=LENGTHS, **options).loss
        np.testing.assert_allclose(loss, ((y - target)[chosen] ** 2).mean(), rtol=1e-12)  # another order of additions


@pytest.mark.parametrize("output", ["every", "last"])
def test_a_loss_of_nothing_is_refused(output):
    net, x, _ = make(output=output)
    target = np.zeros_like(net.forward(x).y)
    empty, mask = np.zeros(B, int), np.ones(target.shape[:-1], bool)
    mask[..., ALIVE] = False
    for options in ({"lengths": empty}, {"lengths": LENGTHS, "mask": mask}):
        with pytest.raises(ValueError, match=r"^lengths and mask must leave an output that counts"):
            net.loss_and_gradients(x, target, **options)
    trace = net.forward(x, lengths=empty)
    assert (trace.y == 0).all()
    assert (net.backward(trace, np.ones_like(trace.y)).flat == 0).all()


def test_truncation_passes_an_empty_row_by():
    net, x, _ = make("lstm")
    dy = draw_like(net.forward(x).y)
    traces = net.forward(x, lengths=LENGTHS), net.forward(np.ascontiguousarray(x[:, ALIVE]), lengths=LENGTHS[ALIVE])
    whole = net.backward(traces[0], dy, truncation=(2, 3)).parameters
    rest = net.backward(traces[1], np.ascontiguousarray(dy[:, ALIVE]), truncation=(2, 3)).parameters
    assert_close(dict(whole), dict(rest), ROUNDING)


def test_an_encoder_decoder_takes_empty_questions_and_answers():
    pair, rng = EncoderDecoder(4, 5, 3, dtype="float64"), np.random.default_rng(0)
    x, target = rng.integers(4, size=(T, B)), rng.integers(3, size=(6, B))
    lengths, answers = np.array([T, 0, 2]), np.array([0, 6, 3])
    found = pair.loss_and_gradients(x, target, lengths=lengths, target_lengths=answers)
    rest = pair.loss_and_gradients(x[:, 1:], target[:, 1:], lengths=lengths[1:], target_lengths=answers[1:])
    np.testing.assert_allclose(found.loss, rest.loss, rtol=1e-12)  # another order of additions
    assert_close(found.gradients.parameters, rest.gradients.parameters, ROUNDING)


def test_log_norms_of_an_empty_row_are_those_of_zeros():
    for output in ("every", "last"):
        net, x, _ = make("gru", output=output)
        trace = net.forward(x, lengths=LENGTHS)
        logs = hidden_log_norms(net, trace, np.ones_like(trace.y))["l0"].h
        assert (logs[:, 1] == -np.inf).all()
        assert np.isfinite(logs[0, ALIVE]).all()
    net, x, _ = make("gru")
    trace = net.forward(x, lengths=LENGTHS)
    assert (loss_by_state(net, trace, np.ones_like(trace.y))[..., 1] == -np.inf).all()
    with pytest.raises(ValueError, match=r"^b must be a sample with a step, got b = 1, of length 0"):
        lyapunov_exponents(net, trace, b=1)


W_xh, W_hh, b_h = np.ones((3, 2)), np.ones((2, 2)), np.ones(2)
NOTHING = [
    ("x", "step", "T = 0", (0, 6, 3), lambda a: RNN(3, 4, dtype="float64").forward(a)),
    ("x", "row", "B = 0", (5, 0, 3), lambda a: RNN(3, 4, dtype="float64").forward(a)),
    ("x", "row", "B = 0", (5, 0), lambda a: RNN(3, 4).forward(a.astype(int))),
    ("x", "step", "T = 0", (0, 6, 3), lambda a: EncoderDecoder(3, 4, 5, dtype="float64").generate(a, 2)),
    ("target", "step", "T = 0", (0, 6), lambda a: EncoderDecoder(3, 4, 5).loss_and_gradients(SYMBOLS, a.astype(int))),
    ("first", "row", "B = 0", (0, 3), lambda a: generate(RNN(3, 4, 3, dtype="float64"), a, 2)),
    ("x", "step", "T = 0", (0, 6, 3), lambda a: rnn_forward(a, np.ones((6, 2)), W_xh, W_hh, b_h, TANH)),
    ("x", "row", "B = 0", (5, 0, 3), lambda a: rnn_forward(a, np.ones((0, 2)), W_xh, W_hh, b_h, TANH)),
    ("x", "step", "T = 0", (0, 6, 3), lambda a: gru_forward(a, np.ones((6, 2)), W_xh, W_hh, b_h)),
    ("x", "input", "I = 0", (5, 6, 0), lambda a: lstm_forward(a, *np.ones((2, 6, 2)), W_xh, W_hh, b_h)),
    ("features", "unit", "H = 0", (5, 6, 0), lambda a: readout_forward(a, W_hh, b_h)),
    ("h", "step", "T = 0", (1, 6, 2), lambda a: rnn_backward(np.ones((6, 2)), np.ones((5, 6, 3)), a, W_xh, W_hh, TANH)),
]
SYMBOLS = np.zeros((T, 6), int)


@pytest.mark.parametrize(("name", "axis", "size", "shape", "call"), NOTHING)
def test_an_axis_of_nothing_is_named(name, axis, size, shape, call):
    beside = " beside its first state" if name == "h" else ""
    told = rf"^{name} must have at least one {axis}{beside}, got {size}: shape \({', '.join(map(str, shape))}\)$"
    with pytest.raises(ValueError, match=told):
        call(np.ones(shape))
