"""The sequence spread over the cores: the bytes of the serial kernels, with and without the threads."""

import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pairs import every_pair

from rnnkit import kernels, parallel, reference
from rnnkit.kernels import ACTIVATIONS, TANH, gradient_checkpointing
from rnnkit.parallel import layers

PATIENCE = 30  # seconds until a call that waits for the pool is given up; one that does not wait takes .01
TIMEOUT = 300  # seconds for one process: with a cold cache it compiles for about 60
ROUNDING = {np.float32: 5e-5, np.float64: 1e-12}  # another order of the sums over 260 rows, relative to the largest
FUNCTIONS = ("rnn_forward", "rnn_backward", "rnn_forward_checkpointed", "rnn_backward_checkpointed")
GATED = ("lstm_forward", "lstm_backward", "gru_forward", "gru_backward")
SERIAL = SimpleNamespace(**vars(kernels) | vars(gradient_checkpointing))
SPREAD = ("_forward_spread", "_backward_spread")
FORKED = """
import multiprocessing
import types
import numpy as np
from rnnkit import kernels, parallel
from rnnkit.kernels import gradient_checkpointing
from rnnkit.parallel import layers

rng = np.random.default_rng(0)
T, B, I, H = 13, 65, 2, 33
net = [rng.standard_normal(shape) for shape in ((T, B, I), (B, H), (I, H), (H, H), (H,))]
dh = rng.standard_normal((T, B, H))


def every_byte(module):
    h, kept = module.rnn_forward(*net, 0), module.rnn_forward_checkpointed(*net, 0)
    plain = module.rnn_backward(dh, net[0], h, net[2], net[3], 0)
    again = module.rnn_backward_checkpointed(dh, net[0], kept, *net[2:], 0)
    return [a.tobytes() for a in (h, kept, *plain, *again)]


def same_bytes(generations):
    same = every_byte(parallel) == expected
    return same and (generations == 0 or forked(generations - 1))


def forked(generations):
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=lambda: there.send(same_bytes(generations)))
    child.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        answer = "died"
    child.join()
    return answer is True and child.exitcode == 0


serial = types.SimpleNamespace(**vars(kernels) | vars(gradient_checkpointing))
expected = every_byte(serial)
threads = [every_byte(parallel) == expected for n in (1, 2, 4) if parallel.set_num_threads(n) is None]
print(*threads, forked(1), every_byte(parallel) == expected, forked(0))
"""


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = parallel.get_num_threads()
    parallel.set_num_threads(request.param)
    yield request.param
    parallel.set_num_threads(before)


@pytest.fixture
def make_calls(make_net):
    """Build the arguments of each of FUNCTIONS, in order, all from one net."""

    def make(B=20, H=7, dtype=np.float64, symbols=False, last_only=False, activation=TANH):
        net, dh = make_net(T=13, B=B, I=3, H=H, dtype=dtype)
        net = net._replace(x=np.random.default_rng(1).integers(0, 3, (13, B))) if symbols else net
        dh = dh[-1] if last_only else dh
        h, checkpoints = (f(*net, activation) for f in (SERIAL.rnn_forward, SERIAL.rnn_forward_checkpointed))
        return {
            "rnn_forward": (*net, activation),
            "rnn_backward": (dh, net.x, h, net.W_xh, net.W_hh, activation),
            "rnn_forward_checkpointed": (*net, activation),
            "rnn_backward_checkpointed": (dh, net.x, checkpoints, *net[2:], activation),
        }

    return make


def run(module, calls):
    """Return every array that comes out, by function and place."""
    results = {name: getattr(module, name)(*arguments) for name, arguments in calls.items()}
    return {(n, i): a for n, r in results.items() for i, a in enumerate(r if isinstance(r, tuple) else (r,))}


def every_byte(module, calls):
    return {place: (a.dtype, a.shape, a.tobytes()) for place, a in run(module, calls).items()}


@every_pair(
    {
        "B": [1, 8, 17, 20, 65],  # 1, 1, 2, 2 and 8 shards
        "H": [1, 7, 33],
        "dtype": ROUNDING,
        "symbols": [False, True],
        "last_only": [False, True],
        "threads": [1, 2],
    },
    indirect=["threads"],
)
def test_any_number_of_threads_gives_the_serial_bytes(make_calls, threads, B, H, dtype, symbols, last_only):
    calls = make_calls(B, H, dtype, symbols, last_only)
    assert every_byte(parallel, calls) == every_byte(SERIAL, calls)


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("dtype", ROUNDING)
def test_threads_against_reference(make_calls, threads, dtype, activation):
    calls = make_calls(B=20, H=33, dtype=dtype, activation=activation)
    got = run(parallel, calls)
    for (name, i), expected in run(reference, {name: calls[name] for name in FUNCTIONS[:2]}).items():
        tolerance = ROUNDING[dtype] * max(1, np.abs(expected).max())
        np.testing.assert_allclose(got[name, i], expected, rtol=0, atol=tolerance)
        if name == "rnn_backward":
            np.testing.assert_allclose(got["rnn_backward_checkpointed", i], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", FUNCTIONS + GATED)
def test_arguments_are_those_of_the_serial_kernels(name):
    assert inspect.signature(getattr(parallel, name)) == inspect.signature(getattr(SERIAL, name))


BROKEN = {
    "rank": lambda a: a[None, None],
    "empty": lambda a: a[:0],
    "dtype": lambda a: a.astype(int),
    "layout": lambda a: np.flip(a, -1),
    "size": lambda a: np.concatenate([a, a], axis=-1),
    "list": lambda a: a.tolist(),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_bad_arguments_have_the_message_of_the_serial_kernels(make_calls, name, how):
    *arrays, activation = make_calls()[name]
    for i in range(len(arrays) + 1):
        bad = [BROKEN[how](a) if i == j else a for j, a in enumerate(arrays)]
        bad.append(4 if i == len(arrays) else activation)
        with pytest.raises(ValueError, match=" must ") as serial:
            getattr(SERIAL, name)(*bad)
        with pytest.raises(ValueError, match=" must ") as spread:
            getattr(parallel, name)(*bad)
        assert str(spread.value) == str(serial.value)


def refuse(*_):
    raise AssertionError("the threads were used")


def test_one_shard_needs_no_threads(make_calls, monkeypatch):
    for name in SPREAD:
        monkeypatch.setattr(layers, name, refuse)
    calls = make_calls(B=8)
    assert every_byte(parallel, calls) == every_byte(SERIAL, calls)
    with pytest.raises(AssertionError, match="the threads were used"):
        every_byte(parallel, make_calls(B=16))


def test_callers_on_many_threads_get_the_same_bytes(make_calls):
    calls = make_calls(B=65)
    expected = every_byte(SERIAL, calls)
    got = parallel.map_replicates(lambda _: every_byte(parallel, calls) == expected, 20, threads=4)
    assert got == [True] * 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_children_get_the_same_bytes_after_the_parent_used_the_threads():
    """And so do grandchildren, and the parent afterwards; in a process of its own, with four threads."""
    root = Path(parallel.__file__).parents[2]
    environment = os.environ | {"NUMBA_NUM_THREADS": "4", "PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED]  # Python warns of forks with threads
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"] * 6, done.stdout + done.stderr
