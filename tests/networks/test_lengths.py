"""Rows shorter than the batch: each is what it is alone, and what stands in the padding is never read."""

import numpy as np
import pytest
from nets import (
    CELLS,
    EXACT,
    B,
    O,
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
from pairs import every_pair

LENGTHS = np.array([2, 5, 1, 4])
ROUNDING = {"float32": 5e-6, "float64": EXACT}  # another order of at most 60 additions, relative to the largest sum
LOSS_TARGETS = {"mse": (T, B, O), "sigmoid": (T, B, O), "softmax": (T, B)}


def run_all(net, x, state, lengths, dy, dstate, hidden=True):
    trace = net.forward(x, state, lengths)
    return everything(trace, net.backward(trace, dy, dstate, hidden=hidden))


def rows_of(net, found, rows, n=None):
    """Take rows of all that has rows, and the first n steps of what goes by steps."""
    taken = {}
    for name, a in found.items():
        if name == "y" and net.output == "last":
            taken[name] = a[rows]
        elif name not in net.parameters:
            taken[name] = a[:, rows] if name.startswith(("last.", "first.")) else a[:n, rows]
    return {name: np.ascontiguousarray(a) for name, a in taken.items()}


@every_pair(
    {
        "cell": CELLS,
        "bidirectional": [False, True],
        "dtype": ROUNDING,
        "output": ["every", "last"],
        "batch": [4, 20],  # one shard and two
    }
)
def test_a_row_is_what_it_is_alone_to_the_byte(cell, bidirectional, dtype, output, batch):
    net, x, given = make(cell, B=batch, layers=2, bidirectional=bidirectional, dtype=dtype, output=output)
    lengths, dstate = np.resize(LENGTHS, batch), draw_state(net, batch, np.random.default_rng(2))
    dy = draw_like(net.forward(x).y)
    whole = run_all(net, x, given["state"], lengths, dy, dstate)
    total = dict.fromkeys(net.parameters, 0)
    for b, n in enumerate(lengths):
        row = slice(b, b + 1)
        dy_row = np.ascontiguousarray(dy[row] if output == "last" else dy[:n, row])
        alone = run_all(net, x[:n, row].copy(), pick(given["state"], row), None, dy_row, pick(dstate, row))
        assert_same_bytes(rows_of(net, whole, row, n), rows_of(net, alone, slice(None)))
        total = {k: total[k] + alone[k].astype(np.float64) for k in total}
    got = {k: whole[k].astype(np.float64) for k in net.parameters}
    assert_close(got, total, ROUNDING[dtype])


@every_cell
@one_or_both
def test_beyond_a_rows_length_all_is_zero(cell, bidirectional):
    net, x, given = make(cell, layers=2, bidirectional=bidirectional, lengths=True)
    found = run_all(
        net, x, dy=draw_like(net.forward(x).y), dstate=draw_state(net, B, np.random.default_rng(2)), **given
    )
    beyond = np.arange(T)[:, None] >= given["lengths"]
    by_step = [k for k in found if k in ("y", "dx") or k.endswith((".dh", ".dc"))]
    assert len(by_step) == 2 + len(net.directions) * (1 + (cell == "lstm"))
    for name in by_step:
        assert (found[name][beyond] == 0).all(), name
        assert (found[name][~beyond] != 0).any(), name


@every_pair({"cell": CELLS, "bidirectional": [False, True], "loss": LOSS_TARGETS})
def test_nan_in_the_padding_changes_nothing(cell, bidirectional, loss):
    net, x, given = make(cell, layers=2, bidirectional=bidirectional, lengths=True)
    rng, beyond = np.random.default_rng(1), np.arange(T)[:, None] >= given["lengths"]
    target = rng.integers(0, O, (T, B)) if loss == "softmax" else rng.random(LOSS_TARGETS[loss])
    dy, dstate = draw_like(net.forward(x).y), draw_state(net, B, rng)

    def results():
        value, gradients, trace = net.loss_and_gradients(x, target, loss=loss, hidden=True, **given)
        found = everything(trace, gradients) | {"loss": np.array(value)}
        found |= {f"{k} by dy": a for k, a in run_all(net, x, dy=dy, dstate=dstate, **given).items()}
        if not bidirectional:
            cut = everything(trace, net.backward(trace, dy, truncation=(2, 3), hidden=True))
            found |= {f"{k} truncated": a for k, a in cut.items()}
        return found

    clean = results()
    x[beyond], dy[beyond] = np.nan, np.nan
    target[beyond] = O if loss == "softmax" else np.nan
    assert_same_bytes(results(), clean)
    within = ~beyond & (np.cumsum(~beyond, axis=0) == 1)  # the first step of each row is read
    x[within] = np.nan
    assert np.isnan(results()["loss"])


@every_pair({"cell": CELLS, "bidirectional": [False, True], "output": ["every", "last"], "symbols": [False, True]})
def test_full_lengths_are_no_lengths(cell, bidirectional, output, symbols):
    net, x, given = make(cell, layers=2, bidirectional=bidirectional, output=output, symbols=symbols)
    dy, dstate = draw_like(net.forward(x).y), draw_state(net, B, np.random.default_rng(2))
    with_, without = (run_all(net, x, given["state"], lengths, dy, dstate) for lengths in (np.full(B, T), None))
    assert_same_bytes(with_, without)


def test_the_loss_is_the_mean_over_what_lies_within_and_is_not_masked():
    net, x, given = make(lengths=True)
    target, mask = np.random.default_rng(1).random((T, B, O)), np.random.default_rng(2).random((T, B)) < 0.6
    within = np.arange(T)[:, None] < given["lengths"]
    y = net.forward(x, **given).y
    for chosen, options in ((within, {}), (within & mask, {"mask": mask})):
        loss = net.loss_and_gradients(x, target, **given, **options).loss
        np.testing.assert_allclose(loss, ((y - target)[chosen] ** 2).mean(), rtol=1e-12)  # another order of additions


@every_cell
def test_last_outputs_are_those_of_each_rows_last_step(cell):
    every, x, given = make(cell, layers=2, lengths=True)
    last, *_ = make(cell, layers=2, output="last")
    last.flat[:] = every.flat
    y = every.forward(x, **given).y[given["lengths"] - 1, np.arange(B)]
    np.testing.assert_array_equal(last.forward(x, **given).y, y)


@pytest.mark.parametrize(
    "lengths", [[-1, 5, 5], [1, 6, 5], [5, 5], [[5, 5, 5]], [5.0, 5, 5], [True] * 3, 5, "5"], ids=str
)
def test_bad_lengths_are_named(lengths):
    net, x, _ = make()
    with pytest.raises(ValueError, match=r"^lengths must be"):
        net.forward(x, lengths=lengths)


def test_a_list_of_lengths_is_taken_and_left_alone():
    net, x, _ = make()
    lengths = np.array([2, 5, 1], np.int32)
    trace = net.forward(x, lengths=lengths)
    np.testing.assert_array_equal(trace.y, net.forward(x, lengths=[2, 5, 1]).y)
    np.testing.assert_array_equal(lengths, [2, 5, 1])
