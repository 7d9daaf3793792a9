"""Gradients of every net against finite differences, and against the references composed by hand."""

from itertools import combinations, product

import numpy as np
import pytest
from composed import compose
from nets import (
    CELLS,
    EXACT,
    O,
    T,
    assert_close,
    draw_like,
    draw_state,
    every_cell,
    everything,
    make,
    one_or_both,
    pick,
)
from pairs import every_pair

from rnnkit.gradients.gradcheck import check_network, numerical_gradient, relative_error

DIFFERENCES = 1e-8  # 4th-order differences of 5 smooth steps through up to 3 layers
# Every pair of values of two options is in some row (tested below); the full product has 864.
OPTIONS = ("layers", "bidirectional", "output", "loss", "lengths", "mask", "symbols", "state")
CASES = [
    (1, False, "every", "softmax", True, False, True, True),
    (1, False, "last", "sigmoid", False, True, False, True),
    (1, True, "every", "mse", False, True, True, False),
    (2, False, "last", "mse", True, False, False, True),
    (2, True, "every", "sigmoid", True, False, True, False),
    (2, True, "last", "softmax", False, True, False, False),
    (3, False, "every", "mse", False, False, False, False),
    (3, False, "every", "softmax", False, True, False, False),
    (3, True, "last", "sigmoid", True, True, True, True),
]


def build(cell, case):
    """Return (net, x, target, options of loss_and_gradients)."""
    of = dict(zip(OPTIONS, case, strict=True))
    shape = {name: of[name] for name in ("layers", "bidirectional", "output", "symbols", "state", "lengths")}
    net, x, given = make(cell, smooth=True, **shape)
    rng, leading = np.random.default_rng(1), x.shape[:2] if of["output"] == "every" else x.shape[1:2]
    targets = {
        "mse": rng.standard_normal,
        "sigmoid": rng.random,
        "softmax": lambda shape: rng.integers(0, O, shape[:-1]),
    }
    given |= {"mask": rng.random(leading) < 0.6} if of["mask"] else {}
    return net, x, targets[of["loss"]]((*leading, O)), given | {"loss": of["loss"]}


@every_cell
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_every_gradient_is_the_losss(cell, case):
    net, x, target, options = build(cell, case)
    errors = check_network(net, x, target, **options)
    of_state = {"state.h", "state.c"} if cell == "lstm" else {"state.h"}
    assert errors.keys() == net.parameters.keys() | of_state | (set() if x.ndim == 2 else {"dx"})
    assert max(errors.values()) < DIFFERENCES, errors


def test_the_cases_have_every_pair_of_values():
    for (i, a), (j, b) in combinations(enumerate(zip(*CASES, strict=True)), 2):
        assert {(row[i], row[j]) for row in CASES} == set(product(set(a), set(b))), (OPTIONS[i], OPTIONS[j])


@every_pair({"cell": CELLS, "bidirectional": [False, True], "lengths": [False, True], "output_size": [None, O]})
def test_gradients_of_the_last_states(cell, bidirectional, lengths, output_size):
    shape = {"bidirectional": bidirectional, "lengths": lengths, "output_size": output_size}
    net, x, given = make(cell, layers=2, smooth=True, **shape)
    trace, dstate = net.forward(x, **given), draw_state(net, 3, np.random.default_rng(2))
    dy = draw_like(trace.y)
    if lengths:
        dy[np.arange(T)[:, None] >= given["lengths"]] = 0  # what the outputs there are is promised, not differentiated
    found = net.backward(trace, dy, dstate)
    without_dy = net.backward(trace, None, dstate)

    def loss(dy=dy):
        again = net.forward(x, **given)
        states = sum((s * d).sum() for s, d in zip(again.state, dstate, strict=True) if s is not None)
        return (again.y * dy).sum() + states

    pairs = [(found.dx, x), (found.state.h, given["state"].h), (found.flat, net.flat)]
    pairs += [(found.state.c, given["state"].c)] if cell == "lstm" else []
    assert max(relative_error(gradient, numerical_gradient(loss, array)) for gradient, array in pairs) < DIFFERENCES
    numeric = numerical_gradient(lambda: loss(0 * dy), x)
    assert relative_error(without_dy.dx, numeric) < DIFFERENCES


@every_pair({"cell": CELLS, "layers": [1, 2, 3], "bidirectional": [False, True], "output": ["every", "last"]})
def test_against_the_references_composed(cell, layers, bidirectional, output):
    for symbols in (False, True):
        net, x, given = make(cell, layers=layers, bidirectional=bidirectional, output=output, symbols=symbols)
        trace, dstate = net.forward(x, **given), draw_state(net, 3, np.random.default_rng(2))
        dy = draw_like(trace.y)
        got = everything(trace, net.backward(trace, dy, dstate))
        expected = compose(net, x, given["state"], dy, dstate)
        if symbols:
            expected["dx"] = np.empty((*x.shape, 0))
        assert_close(got, expected, EXACT)


@every_cell
@one_or_both
def test_shorter_rows_against_the_references_row_by_row(cell, bidirectional):
    net, x, given = make(cell, layers=2, bidirectional=bidirectional, lengths=True)
    trace, dstate = net.forward(x, **given), draw_state(net, 3, np.random.default_rng(2))
    dy = draw_like(trace.y)
    gradients = net.backward(trace, dy, dstate)
    total = dict.fromkeys(net.parameters, 0)
    for b, n in enumerate(given["lengths"]):
        row = slice(b, b + 1)
        alone = compose(net, x[:n, row], pick(given["state"], row), dy[:n, row], pick(dstate, row))
        total = {name: value + alone[name] for name, value in total.items()}
        got = {"y": trace.y[:n, row], "dx": gradients.dx[:n, row], "first.h": gradients.state.h[:, row]}
        assert_close(got | {"last.h": trace.state.h[:, row]}, {k: alone[k] for k in (*got, "last.h")}, EXACT)
    assert_close(gradients.parameters, total, EXACT)


def test_a_wrong_gradient_is_seen(monkeypatch):
    net, x, given = make("lstm")
    right = net.loss_and_gradients

    def wrong(*arguments, **options):
        found = right(*arguments, **options)
        found.gradients.parameters["l0.W_hh"][0, 0] *= 1.001
        return found

    monkeypatch.setattr(net, "loss_and_gradients", wrong)
    errors = check_network(net, x, np.zeros((T, 3, O)), **given)
    assert {name for name, error in errors.items() if error > DIFFERENCES} == {"l0.W_hh"}


def test_a_check_leaves_all_it_was_given_alone_and_says_what_it_cannot_check():
    net, x, given = make("lstm")
    before = [a.copy() for a in (net.flat, x, *given["state"])]
    check_network(net, x, np.zeros((T, 3, O)), **given)
    for a, b in zip((net.flat, x, *given["state"]), before, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match=r"^truncation must be None, got \(1, 2\): its gradient is not the loss's"):
        check_network(net, x, np.zeros((T, 3, O)), truncation=(1, 2))
    single, x, _ = make(dtype="float32")
    with pytest.raises(ValueError, match=r"^net must be float64, got float32"):
        check_network(single, x, np.zeros((T, 3, O), np.float32))
