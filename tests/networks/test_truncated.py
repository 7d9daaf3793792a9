"""Truncated BPTT: what each loss reaches, drawn in the docstring, cut by hand from backward passes of one loss."""

import re

import numpy as np
import pytest
from nets import (
    EXACT,
    I,
    T,
    assert_close,
    assert_same_bytes,
    draw_like,
    draw_state,
    every_cell,
    everything,
    make,
)
from traces import states_before

from rnnkit.networks import truncation
from rnnkit.networks.truncation import windows

EVERY_PAIR = [(k1, k2) for k1 in range(1, T + 2) for k2 in range(k1, T + 2)]


def reached(s, k1, k2):
    """Return the first step that the loss of step s reaches: k2 back from where its group of k1 losses ends."""
    return max(0, min((s // k1 + 1) * k1, T) - k2)


def cut_by_hand(net, trace, dy, k1, k2):
    """Return dx, the parameters' and the first states' gradients: each loss by itself, from where it is cut."""
    found = {"dx": np.zeros((*dy.shape[:2], I)), "first": None} | dict.fromkeys(net.parameters, 0)
    for s in range(T):
        start = reached(s, k1, k2)
        part = net.forward(trace.x[start : s + 1], states_before(net, trace, start))
        back = net.backward(part, np.concatenate([np.zeros_like(dy[start:s]), dy[s : s + 1]]))
        found |= {name: found[name] + gradient for name, gradient in back.parameters.items()}
        found["dx"][start : s + 1] += back.dx
        if start == 0:
            found["first"] = back.state.h + (0 if found["first"] is None else found["first"])
    return found


@every_cell
@pytest.mark.parametrize("layers", [1, 2])
def test_every_pair_against_losses_cut_by_hand(cell, layers):
    net, x, given = make(cell, layers=layers)
    trace = net.forward(x, **given)
    dy = draw_like(trace.y)
    for pair in EVERY_PAIR:
        got = net.backward(trace, dy, truncation=pair)
        expected = cut_by_hand(net, trace, dy, *pair)
        assert_close(got.parameters | {"dx": got.dx, "first": got.state.h}, expected, EXACT)


@every_cell
@pytest.mark.parametrize("lengths", [False, True], ids=["full", "shorter"])
def test_one_window_is_the_whole_to_the_byte(cell, lengths):
    net, x, given = make(cell, layers=2, lengths=lengths)
    trace = net.forward(x, **given)
    dy, dstate = draw_like(trace.y), None if lengths else draw_state(net, 3, np.random.default_rng(2))
    whole = everything(trace, net.backward(trace, dy, dstate, hidden=True))
    for windowed in ((T, T), (T + 1, T + 3), (np.int64(T), T), [T, T]):
        got = net.backward(trace, dy, dstate, truncation=windowed, hidden=True)
        assert_same_bytes(everything(trace, got), whole)
    assert not np.array_equal(net.backward(trace, dy, dstate, truncation=(1, 2)).flat, whole["l0.W_hh"])


def test_shorter_rows_have_the_windows_of_the_batch():
    """A row's gradients are those of the full row whose losses beyond its length are zero."""
    net, x, given = make("lstm", layers=2, lengths=True)
    trace, full = net.forward(x, **given), net.forward(x, given["state"])
    dy = draw_like(trace.y)
    dy_within = dy * (np.arange(T)[:, None] < given["lengths"])[..., None]
    for pair in EVERY_PAIR:
        got, expected = net.backward(trace, dy, truncation=pair), net.backward(full, dy_within, truncation=pair)
        assert_close(got.parameters | {"dx": got.dx}, expected.parameters | {"dx": expected.dx}, EXACT)


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_the_gradient_of_the_last_states_reaches_the_last_window(cell):
    net, x, given = make(cell)
    trace, dstate = net.forward(x, **given), draw_state(net, 3, np.random.default_rng(2))
    got = net.backward(trace, None, dstate, truncation=(2, 3))
    end = net.backward(net.forward(x[-3:], states_before(net, trace, T - 3)), None, dstate)
    assert_close(got.parameters, end.parameters, EXACT)
    np.testing.assert_array_equal(got.dx[:2], 0)
    np.testing.assert_array_equal(got.state.h, 0)


def test_gradients_of_states_stop_where_the_drawing_does():
    net, x, given = make("lstm")
    trace = net.forward(x, **given)
    for s in range(T):
        dy = np.zeros_like(trace.y)
        dy[s] = 1
        hidden = net.backward(trace, dy, truncation=(2, 4), hidden=True).hidden["l0"]
        for part in hidden:
            expected = [reached(s, 2, 4) <= t <= s for t in range(T)]
            np.testing.assert_array_equal((part != 0).any(axis=(1, 2)), expected)


def test_the_drawing_is_what_the_windows_do():
    k1, k2, n = map(int, re.search(r"k1 = (\d), k2 = (\d) over T = (\d) steps", truncation.__doc__).groups())
    lines = re.findall(r"^ +(?:s = )?\d((?: +[x.])+)(?: +(window .*))?$", truncation.__doc__, re.MULTILINE)
    drawn = [[mark == "x" for mark in marks.split()] for marks, _ in lines]
    found, said = [], []
    for i, (start, first_loss, end) in enumerate(windows(n, k1, k2)):
        found += [[start <= t <= s for t in range(n)] for s in range(first_loss, end)]
        losses = f"losses of steps {first_loss + 1}-{end}"
        said.append(f"window {i + 1}: {losses}, taken back through steps {start + 1}-{end}")
    assert drawn == found
    assert [text for _, text in lines if text] == said


def test_a_last_group_that_is_not_full():
    assert [tuple(window) for window in windows(5, 2, 3)] == [(0, 0, 2), (1, 2, 4), (2, 4, 5)]


@pytest.mark.parametrize(
    ("options", "truncation", "message"),
    [
        ({}, (3, 2), r"^truncation must have k1 <= k2, got k1 = 3, k2 = 2"),
        ({}, (0, 2), r"^truncation's k1 must be an integer >= 1, got 0"),
        ({}, (1, 2.0), r"^truncation's k2 must be an integer >= 1, got 2\.0"),
        ({}, (True, 2), r"^truncation's k1 must be an integer >= 1, got True"),
        ({}, (1,), r"^truncation must be \(k1, k2\), got \(1,\)"),
        ({}, 2, r"^truncation must be \(k1, k2\), got 2"),
        ({"bidirectional": True}, (1, 2), r"^truncation=\(1, 2\) cannot be combined with bidirectional=True: "),
        ({"output": "last"}, (1, 2), r"^truncation=\(1, 2\) cannot be combined with output='last'"),
    ],
)
def test_what_has_no_meaning_is_refused(options, truncation, message):
    net, x, _ = make(**options)
    trace = net.forward(x)
    with pytest.raises(ValueError, match=message):
        net.backward(trace, draw_like(trace.y), truncation=truncation)


def test_the_gradient_of_last_states_that_lie_before_the_last_window_is_refused():
    net, x, given = make(lengths=True)
    trace = net.forward(x, **given)
    with pytest.raises(
        ValueError, match=r"^truncation=\(1, 2\) cannot be combined with dstate and lengths=\d+\.\.\d+: shorter"
    ):
        net.backward(trace, None, net.initial_state(3), truncation=(1, 2))
