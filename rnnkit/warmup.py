"""Compile every kernel once, so that no later process has to: `python -m rnnkit.warmup`.

Kernels are kept in a cache (`rnnkit._compile.cache`); each is compiled by the first process that calls it after an
installation or an update of rnnkit, numba, numpy or scipy. A second run of this only loads them.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
from numba import config

from rnnkit import kernels, parallel
from rnnkit._compile import cache
from rnnkit._compile.pointer_slots import OUTLINED
from rnnkit.gradients.log_norms import hidden_log_norms
from rnnkit.kernels import TANH, gradient_checkpointing
from rnnkit.networks import recipes
from rnnkit.networks.rnn import RNN
from rnnkit.tasks import TASKS
from rnnkit.training.loop import train
from rnnkit.training.optimizers import OPTIMIZERS, Optimizer
from rnnkit.training.protocol import BLOCK, Protocol

DTYPES = ("float32", "float64")
T, B, I, H = 2, 16, 2, 3  # noqa: E741  two shards: parallel forms run too


def calls(dtype: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield a name and a call for every kernel in one dtype, with inputs as numbers and as symbols."""
    x, h_0, dh = np.ones((T, B, I), dtype), np.ones((B, H), dtype), np.ones((T, B, H), dtype)
    W_xh, W_hh, b_h = np.ones((I, H), dtype), np.ones((H, H), dtype), np.ones(H, dtype)
    h = np.ones((T + 1, B, H), dtype)
    step = (x[0], h_0, W_xh, W_hh, b_h)
    yield "cell forward", lambda: kernels.rnn_cell_forward(*step, TANH)
    yield "cell backward", lambda: kernels.rnn_cell_backward(dh[0], x[0], h_0, h[1], W_xh, W_hh, TANH)
    yield from _gated_steps(dtype)
    yield from _training(dtype)
    yield "training", _training_of(dtype)
    yield "clip by norm", lambda: kernels.clip_by_norm((W_xh.copy(), W_hh.copy(), b_h.copy()), 1.0)
    yield "clip by value", lambda: kernels.clip_by_value((W_xh.copy(), W_hh.copy(), b_h.copy()), 1.0)
    for where, module, long in (("one core", kernels, gradient_checkpointing), ("all cores", parallel, parallel)):
        for inputs in (x, np.zeros((T, B), np.int64)):
            kind = f"{where}, {'numbers' if inputs.ndim == 3 else 'symbols'}"
            yield f"forward, {kind}", lambda m=module, x=inputs: m.rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
            yield f"BPTT, {kind}", lambda m=module, x=inputs: m.rnn_backward(dh, x, h, W_xh, W_hh, TANH)
        kind = f"{where}, checkpointed"
        yield f"forward, {kind}", lambda m=long: m.rnn_forward_checkpointed(x, h_0, W_xh, W_hh, b_h, TANH)
        yield f"BPTT, {kind}", lambda m=long: m.rnn_backward_checkpointed(dh, x, h[:2], W_xh, W_hh, b_h, TANH)
    if dtype == "float64":
        yield "scaled BPTT", lambda: _scaled(RNN(I, H, dtype=dtype), x)


def _scaled(net: RNN, x: np.ndarray) -> object:
    return hidden_log_norms(net, net.forward(x), np.ones((T, B, H), net.dtype))


def _gated_steps(dtype: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the steps of gated cells; their sequences are compiled with those of Elman cells."""
    x_t, h, gates = np.ones((B, I), dtype), np.ones((B, H), dtype), np.ones((4, B, H), dtype)
    for gates_of, forward, backward, states in (
        (4, kernels.lstm_cell_forward, kernels.lstm_cell_backward, (h, h)),
        (3, kernels.gru_cell_forward, kernels.gru_cell_backward, (h,)),
    ):
        W_xh, W_hh, b_h = np.ones((I, gates_of * H), dtype), np.ones((H, gates_of * H), dtype), np.ones(4 * H, dtype)
        after = (h, gates) if gates_of == 4 else (gates,)
        name = forward.__name__.split("_")[0].upper()
        yield f"{name} step forward", lambda f=forward, s=states, w=(W_xh, W_hh, b_h): f(x_t, *s, *w)
        yield (
            f"{name} step backward",
            lambda f=backward, s=states, a=after, w=(W_xh, W_hh): f(*s, x_t, *s, *a, *w),
        )


def _training(dtype: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what training calls beside the sequence: readout, losses, updates."""
    y, features, W_hy = np.ones((T, B, I), dtype), np.ones((T, B, H), dtype), np.ones((H, I), dtype)
    yield "readout forward", lambda: kernels.readout_forward(features, W_hy, np.ones(I, dtype))
    yield "readout backward", lambda: kernels.readout_backward(y, features, W_hy)
    yield "mse", lambda: kernels.mse(y, y)
    yield "softmax cross-entropy", lambda: kernels.softmax_cross_entropy(y, np.zeros((T, B), np.int64))
    yield "sigmoid cross-entropy", lambda: kernels.sigmoid_cross_entropy(y, y)
    yield "regularizer", lambda: kernels.omega(features, np.ones((T + 1, B, H), dtype), np.ones((H, H), dtype), TANH)
    for name in OPTIMIZERS:
        parameters = {"W": W_hy.copy()}
        yield name, lambda n=name, p=parameters: Optimizer(n, 0.1).step(p, {"W": W_hy})


def _training_of(dtype: str) -> Callable[[], object]:
    """Return a training."""
    protocol, task = Protocol(updates=BLOCK, batch_size=2, check_every=BLOCK, check_size=2), TASKS["adding_le"]

    def make_net(rng: np.random.Generator) -> recipes.RNN:
        return recipes.make("tanh", task.input_size, H, task.output_size, rng, dtype=dtype)

    return lambda: train(make_net, task, 10, protocol)


def compile_kernels(dtype: str) -> None:
    """Run every call of a dtype, with a line for each."""
    todo = list(calls(dtype))
    for i, (name, call) in enumerate(todo, 1):
        before = time.perf_counter()
        call()
        print(f"{dtype} [{i:2}/{len(todo)}] {name:40}{time.perf_counter() - before:6.1f} s", flush=True)
    _check_stored()


def _compile_in_new_process(dtype: str) -> int:
    """Compile for a dtype in a process of its own; print its lines whole, and return its exit code."""
    command = [sys.executable, "-m", "rnnkit.warmup", dtype]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        for line in worker.stdout:
            print(line, end="", flush=True)
    return worker.returncode


def _check_stored() -> None:
    """End with an error where a kernel could not be stored: the next process would have to compile it again."""
    if "store" in cache.faults:
        sys.exit(f"rnnkit warmup: compiled kernels {cache.faults['store']}")


def is_needed() -> bool:
    """Return whether no kernel of this version is stored, where kernels can be stored."""
    return cache.FOLDER is not None and not any(cache.FOLDER.glob("*/*"))


def main(arguments: list[str]) -> None:
    """Compile for the dtypes asked for, by default both at once, each in a process of its own."""
    if cache.FOLDER is None:
        why = f"{cache.REFUSED}; set NUMBA_CACHE_DIR to a folder that can be written"
        sys.exit(f"rnnkit warmup: compiled kernels cannot be stored: {why}")
    if config.DISABLE_JIT:
        sys.exit("rnnkit warmup: NUMBA_DISABLE_JIT is set: nothing is compiled")
    wrong = [dtype for dtype in arguments if dtype not in DTYPES]
    if wrong:
        print(f"rnnkit warmup: dtype must be {' or '.join(DTYPES)}, got {wrong[0]}", file=sys.stderr)
        sys.exit(2)
    if len(set(arguments)) == 1:
        return compile_kernels(arguments[0])
    start = time.perf_counter()
    for function in OUTLINED:  # what both need; of one dtype alone each compiles its own
        if function.at_once:
            function.provide()
    _check_stored()
    if any(parallel.map_replicates(lambda i: _compile_in_new_process(DTYPES[i]), len(DTYPES), threads=len(DTYPES))):
        sys.exit("rnnkit warmup: not all kernels are ready")
    seconds, layer = time.perf_counter() - start, parallel.threading_layer()
    print(f"all kernels ready after {seconds:.0f} s, kept in {cache.FOLDER}; threading: {layer}")


if __name__ == "__main__":
    main(sys.argv[1:])
