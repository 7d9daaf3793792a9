"""A number that is no symbol, met where nobody checks, makes nan: no memory beside the arrays is read or written."""

import threading

import numba
import numpy as np
import pytest

from rnnkit import kernels, parallel
from rnnkit.kernels import TANH, gru, lstm, sequence
from rnnkit.kernels.answers import SOFTMAX, count_wrong
from rnnkit.kernels.layer import backward_plain, forward_plain
from rnnkit.kernels.network import as_pair
from rnnkit.kernels.rows import add_to_symbol_rows, move_symbol_rows

T, B, I, H = 3, 2, 3, 4  # noqa: E741
GUARD = 1e30  # of the memory on either side: a sum it entered would show it
OUTSIDE = [-1, I, 10**12, -(10**12), np.iinfo(np.int64).min, np.iinfo(np.int64).max]
outside = pytest.mark.parametrize("symbol", OUTSIDE)


def guarded(array):
    """Return a copy with memory of GUARD before and after it, and all of that memory."""
    room = np.full((array.shape[0] + 2, *array.shape[1:]), GUARD, array.dtype)
    room[1:-1] = array
    return room[1:-1], room


@numba.njit
def move(out, W_xh, x, keep):
    move_symbol_rows(out, 0, W_xh, x, 0, 0, x.shape[1], keep)


@numba.njit
def add(dW_xh, x, delta):
    add_to_symbol_rows(dW_xh, 0, x, 0, 0, x.shape[1], delta, 0)


@outside
@pytest.mark.parametrize("keep", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_of_no_symbol_is_nan(symbol, keep, dtype):
    W_xh, _ = guarded(np.ones((I, H), dtype))
    out, room = guarded(np.full((B, H + 1), 5, dtype))
    move(out, W_xh, np.array([[symbol, 1]]), keep)
    assert np.isnan(out[0, :H]).all()
    np.testing.assert_array_equal(out[1, :H], np.full(H, 1 + 5 * keep))
    np.testing.assert_array_equal(out[:, H], [5, 5])
    assert (room[[0, -1]] == np.array(GUARD, dtype)).all()


@outside
def test_a_gradient_of_no_symbol_is_seen_and_overwrites_nothing(symbol):
    dW_xh, room = guarded(np.zeros((1, I, H)))
    add(dW_xh, np.array([[symbol, 1]]), np.ones((B, H)))
    assert np.isnan(dW_xh[0, 0]).all()
    np.testing.assert_array_equal(dW_xh[0, 1:], [[1] * H, [0] * H])
    assert (room[[0, -1]] == GUARD).all()


def arrays(gates, dtype="float64"):
    rng = np.random.default_rng(0)
    biases = H if gates == 1 else 4 * H
    shapes = (I, gates * H), (H, gates * H), (biases,)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@numba.njit
def elman(x, h_0, W_xh, W_hh, b_h, dh):
    h = kernels.rnn_forward(x, h_0, W_xh, W_hh, b_h, 0)
    return h, kernels.rnn_backward(dh, x, h, W_xh, W_hh, 0).dW_xh


@numba.njit
def long_short(x, h_0, W_xh, W_hh, b_h, dh):
    h, c, gates = kernels.lstm_forward(x, h_0, h_0, W_xh, W_hh, b_h)
    return h, kernels.lstm_backward(dh, h_0, x, h, c, gates, W_xh, W_hh).dW_xh


@numba.njit
def gated(x, h_0, W_xh, W_hh, b_h, dh):
    h, gates = kernels.gru_forward(x, h_0, W_xh, W_hh, b_h)
    return h, kernels.gru_backward(dh, x, h, gates, W_xh, W_hh).dW_xh


@pytest.mark.parametrize(("run", "gates"), [(elman, 1), (long_short, 4), (gated, 3)])
def test_compiled_sequences_show_it_in_its_row_from_its_step_on(run, gates):
    x, h_0, dh = np.zeros((T, B), np.int64), np.zeros((B, H)), np.ones((T, B, H))
    expected, clean = run(x, h_0, *arrays(gates), dh)
    assert np.isfinite(clean).all()
    for symbol in OUTSIDE:
        x[1, 0] = symbol
        h, dW_xh = run(x, h_0, *arrays(gates), dh)
        assert np.isnan(h[2:, 0]).all()
        np.testing.assert_array_equal(h[:2], expected[:2])
        np.testing.assert_array_equal(h[:, 1], expected[:, 1])
        assert np.isnan(dW_xh[0]).all()


def late(run, x):
    """Return a kernel before whose call another writes into x, which was checked."""

    def called(*arguments):
        x[1, 0] = 10**12
        return run(*arguments)

    return called


def test_what_is_written_after_the_check_is_nan_and_no_crash():
    x, h_0, dh, dc = np.zeros((T, B), np.int64), np.zeros((B, H)), np.ones((T, B, H)), np.ones((B, H))

    def both(module, gates, first, back, *options):
        W_xh, W_hh, b_h = arrays(gates)
        found = module.forward_by(forward_plain, x, *first, W_xh, W_hh, b_h, *options)
        states = found if isinstance(found, tuple) else (found,)
        assert np.isnan(module.forward_by(late(forward_plain, x), x, *first, W_xh, W_hh, b_h, *options)[0]).any()
        x[:] = 0
        spoiled = module.backward_by(late(backward_plain, x), *back, x, *states, W_xh, W_hh, *options)
        assert np.isnan(spoiled.dW_xh).any()
        x[:] = 0

    both(lstm, 4, (h_0, h_0), (dh, dc))
    both(gru, 3, (h_0,), (dh,))
    W_xh, W_hh, b_h = arrays(1)
    assert np.isnan(sequence.forward_by(late(forward_plain, x), x, h_0, W_xh, W_hh, b_h, TANH)).any()


def test_a_thread_that_writes_all_the_while_crashes_nothing():
    """1,000 calls on both forms of the kernels, beside a thread that turns symbols into what they may not be."""
    x, h_0, stop = np.zeros((T, 20), np.int64), np.zeros((20, H)), threading.Event()
    W_xh, W_hh, b_h = arrays(1)

    def write():
        while not stop.is_set():
            x[1] = 10**12
            x[1] = 0

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(500):
            for module in (kernels, parallel):
                try:
                    h = module.rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
                    found = module.rnn_backward(h[-1], x, h, W_xh, W_hh, TANH)
                except ValueError as error:
                    assert str(error).startswith("x must hold symbols")  # noqa: PT017
                else:
                    assert found.dW_xh.shape == W_xh.shape
    finally:
        stop.set()
        writer.join()


@numba.njit
def softmax(logits, classes):
    return kernels.softmax_cross_entropy(logits, classes, None)


@outside
def test_a_class_that_is_none_makes_nan_of_the_loss_and_its_row(symbol):
    logits, room = guarded(np.zeros((B, I)))
    loss, gradient = softmax(logits, np.array([symbol, 1]))
    assert np.isnan(loss)
    assert np.isnan(gradient[0]).all()
    assert np.isfinite(gradient[1]).all()
    assert (room[[0, -1]] == GUARD).all()


@outside
def test_a_sequence_whose_answer_is_no_class_is_wrong(symbol):
    y, _ = guarded(np.zeros((1, B, I)))
    y[..., 1] = 1
    target, mask = np.array([[symbol, 1]]), np.ones((1, B), bool)
    assert count_wrong(y, as_pair(target, y.dtype), mask, SOFTMAX, 0.04) == 1


FORMS = {
    "rnn": (1, lambda m, x, s, w: m.rnn_forward(x, s, *w, TANH)),
    "lstm": (4, lambda m, x, s, w: m.lstm_forward(x, s, s, *w).h),
    "gru": (3, lambda m, x, s, w: m.gru_forward(x, s, *w).h),
}


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.uint8, np.uint32, np.uint64])
@pytest.mark.parametrize("form", FORMS)
def test_symbols_of_every_integer_are_taken(kind, form):
    gates, call = FORMS[form]
    x = np.random.default_rng(0).integers(0, I, (T, B))
    for module in (kernels, parallel):
        expected = call(module, x, np.zeros((B, H)), arrays(gates))
        np.testing.assert_array_equal(call(module, x.astype(kind), np.zeros((B, H)), arrays(gates)), expected)


def test_an_integer_beyond_int64_is_told_as_it_came():
    x = np.full((T, B), 2**64 - 1, np.uint64)
    with pytest.raises(ValueError, match=r"^x must hold symbols in 0\.\.2 .*, got 18446744073709551615"):
        kernels.rnn_forward(x, np.zeros((B, H)), *arrays(1), TANH)


INTO = {
    "h with h_0": lambda a: kernels.rnn_forward_into(a["x"], a["h"][0], *a["w"], TANH, a["h"]),
    "h_t with h_prev": lambda a: kernels.rnn_cell_forward_into(a["x"][0], a["z"], *a["w"], TANH, a["z"]),
    "p with g": lambda a: kernels.sgd(a["z"], a["z"], 0.1),
    "mean with square": lambda a: kernels.adam(a["z"], np.ones((B, H)), a["g"], a["g"], 1, 0.1, 0.9, 0.9, 1e-8),
    "gradients[0] with gradients[1]": lambda a: kernels.clip_by_norm((a["z"], a["z"]), 1.0),
    "gradients[1] with gradients[2]": lambda a: kernels.clip_by_value((a["z"], a["g"][:1], a["g"].reshape(-1)), 1.0),
    "gradients[0] with W_hh": lambda a: kernels.clip_by_norm((a["w"][1],), 1.0, kernels.SHRINK, (a["w"][1], a["w"][1])),
}


@pytest.mark.parametrize("names", INTO)
def test_memory_that_is_written_and_given_twice_is_refused(names):
    given = {"x": np.ones((T, B, I)), "h": np.ones((T + 1, B, H)), "w": arrays(1)}
    given |= {"z": np.full((B, H), 2.0), "g": np.full((B, H), 3.0)}
    written, other = names.split(" with ")
    with pytest.raises(ValueError, match="must not share memory with") as told:
        INTO[names](given)
    assert str(told.value).startswith(f"{written} must not share memory with {other}")
    assert (given["z"] == 2).all()
    assert (given["g"] == 3).all()


@numba.njit
def of_compiled_code(x, h, W_xh, W_hh, b_h, code):
    return kernels.rnn_forward(x, h[0], W_xh, W_hh, b_h, code)


@numba.njit
def back_of_compiled_code(x, h, W_xh, W_hh, b_h, code):
    return kernels.rnn_backward(h[1:], x, h, W_xh, W_hh, code)


@numba.njit
def omega_of_compiled_code(x, h, W_xh, W_hh, b_h, code):
    return kernels.omega(h[1:], h, W_hh, code, 0)


@pytest.mark.parametrize("call", [of_compiled_code, back_of_compiled_code, omega_of_compiled_code])
@pytest.mark.parametrize("code", [-1, kernels.LSTM, kernels.GRU, 77, 2**40])
def test_an_activation_from_compiled_code_that_is_none_is_refused(call, code):
    """Nobody checks there, but a cell with other weights would read and write beside these."""
    with pytest.raises(ValueError, match="activation must be one of TANH=0, RELU=1"):
        call(np.ones((T, B, I)), np.ones((T + 1, B, H)), *arrays(1), code)
