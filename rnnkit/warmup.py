"""Compile every kernel once, so that no later process has to: `python -m rnnkit.warmup`.

Kernels are kept in a cache (`rnnkit._cache`); each is compiled by the first process that calls it after an
installation or an update of rnnkit, numba, numpy or scipy. A second run of this only loads them.
"""

import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from rnnkit import _cache, checkpointed, kernels, parallel
from rnnkit.kernels import TANH

T, B, I, H = 2, 16, 2, 3  # noqa: E741  two shards: parallel forms run too


def calls() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield a name and a call for every kernel, in both dtypes, with inputs as numbers and as symbols."""
    for dtype in (np.float32, np.float64):
        yield from _calls_of(np.dtype(dtype))


def _calls_of(dtype: np.dtype) -> Iterator[tuple[str, Callable[[], object]]]:
    x, h_0, dh = np.ones((T, B, I), dtype), np.ones((B, H), dtype), np.ones((T, B, H), dtype)
    W_xh, W_hh, b_h = np.ones((I, H), dtype), np.ones((H, H), dtype), np.ones(H, dtype)
    h = np.ones((T + 1, B, H), dtype)
    step = (x[0], h_0, W_xh, W_hh, b_h)
    yield f"cell forward, {dtype}", lambda: kernels.rnn_cell_forward(*step, TANH)
    yield f"cell backward, {dtype}", lambda: kernels.rnn_cell_backward(dh[0], x[0], h_0, h[1], W_xh, W_hh, TANH)
    yield f"log norms, {dtype}", lambda: kernels.hidden_gradient_log_norms(dh[0], h, W_hh, TANH)
    yield f"scaled BPTT, {dtype}", lambda: kernels.rnn_backward_scaled(dh[0], x, h, W_xh, W_hh, TANH)
    yield f"clip by norm, {dtype}", lambda: kernels.clip_by_norm((W_xh.copy(), W_hh.copy(), b_h.copy()), 1.0)
    yield f"clip by value, {dtype}", lambda: kernels.clip_by_value((W_xh.copy(), W_hh.copy(), b_h.copy()), 1.0)
    for where, module, long in (("one core", kernels, checkpointed), ("all cores", parallel, parallel)):
        for inputs in (x, np.zeros((T, B), np.int64)):
            kind = f"{where}, {'numbers' if inputs.ndim == 3 else 'symbols'}, {dtype}"
            yield f"forward, {kind}", lambda m=module, x=inputs: m.rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
            yield f"BPTT, {kind}", lambda m=module, x=inputs: m.rnn_backward(dh, x, h, W_xh, W_hh, TANH)
        kind = f"{where}, checkpointed, {dtype}"
        yield f"forward, {kind}", lambda m=long: m.rnn_forward_checkpointed(x, h_0, W_xh, W_hh, b_h, TANH)
        yield f"BPTT, {kind}", lambda m=long: m.rnn_backward_checkpointed(dh, x, h[:2], W_xh, W_hh, b_h, TANH)


def main() -> None:
    """Run every call, with a line for each."""
    if _cache.FOLDER is None:
        sys.exit("no folder can hold compiled kernels: set NUMBA_CACHE_DIR to one that can be written")
    todo, start = list(calls()), time.perf_counter()
    for i, (name, call) in enumerate(todo, 1):
        print(f"[{i:2}/{len(todo)}] {name:48}", end="", flush=True)
        before = time.perf_counter()
        call()
        print(f"{time.perf_counter() - before:6.1f} s", flush=True)
    print(f"{len(todo)} kernels ready after {time.perf_counter() - start:.0f} s, kept in {_cache.FOLDER}")


if __name__ == "__main__":
    main()
