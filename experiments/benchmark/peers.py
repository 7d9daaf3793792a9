"""What the benchmark runs: forward + BPTT of one net, and training of many, by rnnkit, JAX and PyTorch.

Each function returns contenders by name; a contender computes everything anew and returns NumPy-convertible arrays:
(dW_xh, dW_hh, db_h, dh_0) of one net, or the trained W_hh (R, H, H) of many. Peers are imported here alone, when asked
for: `pip install rnnkit[bench]`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rnnkit import parallel
from rnnkit._compile.jit import jit
from rnnkit.kernels import RAISE, TANH, clip_by_norm, rnn_backward, rnn_forward

Contenders = dict[str, Callable[[], tuple]]
LEARNING_RATE, MAX_NORM = 0.01, 1.0


class Net(NamedTuple):
    """One net and its data: (T, B, I), (B, H), (I, H), (H, H), (H,), and dL/dh_T or the target at h_T (B, H)."""

    x: np.ndarray
    h_0: np.ndarray
    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray
    last: np.ndarray


def draw_net(generator: np.random.Generator, H: int, B: int, T: int, I: int, dtype: str) -> Net:  # noqa: E741
    """Return a net at gain 1, whose gradients neither overflow nor become denormal in 200 steps."""
    shapes = ((T, B, I), (B, H), (I, H), (H, H), (H,), (B, H))
    scales = (1, 0.1, 0.1, 1 / np.sqrt(H), 0.1, 1)
    return Net(*((s * generator.standard_normal(shape)).astype(dtype) for shape, s in zip(shapes, scales, strict=True)))


def rnnkit_gradients(net: Net) -> Contenders:
    """Make the two calls a user makes; a loss on the last state hands over its gradient as (B, H)."""
    x, h_0, W_xh, W_hh, b_h, last = net

    def run():
        h = parallel.rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
        g = parallel.rnn_backward(last, x, h, W_xh, W_hh, TANH)
        return g.dW_xh, g.dW_hh, g.db_h, g.dh_0

    return {"rnnkit": run}


def _jax_last_state(unroll: int) -> Callable:
    import jax.numpy as jnp
    from jax import lax

    def last_state(parameters, x):
        W_xh, W_hh, b_h, h_0 = parameters

        def step(h, x_t):
            return jnp.tanh(x_t @ W_xh + h @ W_hh + b_h), None

        return lax.scan(step, h_0, x, unroll=unroll)[0]

    return last_state


def jax_library() -> object:
    """Return JAX, with float64 allowed."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def jax_gradients(net: Net) -> Contenders:
    """Run `jit` of `value_and_grad` of a scan."""
    jax = jax_library()
    x, last = jax.device_put(net.x), jax.device_put(net.last)
    parameters = tuple(jax.device_put(a) for a in (net.W_xh, net.W_hh, net.b_h, net.h_0))

    def contender(unroll):
        last_state = _jax_last_state(unroll)
        run = jax.jit(jax.value_and_grad(lambda p, x, last: (last_state(p, x) * last).sum()))
        return lambda: jax.block_until_ready(run(parameters, x, last))[1]

    return {f"jax unroll={unroll}": contender(unroll) for unroll in (1, 8)}


def _torch_net(net: Net) -> tuple:
    import torch

    module = torch.nn.RNN(net.x.shape[2], net.h_0.shape[1], dtype=torch.from_numpy(net.x).dtype)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.from_numpy(net.W_xh.T.copy()))
        module.weight_hh_l0.copy_(torch.from_numpy(net.W_hh.T.copy()))
        module.bias_ih_l0.copy_(torch.from_numpy(net.b_h))
        module.bias_hh_l0.zero_()
    return torch, module, torch.from_numpy(net.x), torch.from_numpy(net.last)


def torch_gradients(net: Net) -> Contenders:
    """Run `nn.RNN` and autograd."""
    torch, module, x, last = _torch_net(net)
    h_0 = torch.from_numpy(net.h_0)[None].clone().requires_grad_()

    def contender(threads):
        def run():
            torch.set_num_threads(threads)
            module.zero_grad()
            h_0.grad = None
            (module(x, h_0)[1][0] * last).sum().backward()
            weights = module.weight_ih_l0.grad.T, module.weight_hh_l0.grad.T, module.bias_ih_l0.grad
            return *weights, h_0.grad[0]

        return run

    return {f"torch threads={threads}": contender(threads) for threads in (1, 2)}


def long_gradients(form: str, net: Net) -> Callable[[], tuple]:
    """Return forward + BPTT of a long sequence, all states kept (plain) or about sqrt(T) of them (checkpointed)."""
    x, h_0, W_xh, W_hh, b_h, last = net

    def plain():
        h = parallel.rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
        return parallel.rnn_backward(last, x, h, W_xh, W_hh, TANH)

    def checkpointed():
        kept = parallel.rnn_forward_checkpointed(x, h_0, W_xh, W_hh, b_h, TANH)
        return parallel.rnn_backward_checkpointed(last, x, kept, W_xh, W_hh, b_h, TANH)

    return {"plain": plain, "checkpointed": checkpointed}[form]


@jit
def _train(x, h_0, W_xh, W_hh, b_h, target, updates):
    for _ in range(updates):
        h = rnn_forward(x, h_0, W_xh, W_hh, b_h, TANH)
        _, _, dW_xh, dW_hh, db_h = rnn_backward((h[-1] - target) / np.float32(x.shape[1]), x, h, W_xh, W_hh, TANH)
        clip_by_norm((dW_xh, dW_hh, db_h), MAX_NORM, RAISE, (dW_hh, W_hh))
        W_xh -= np.float32(LEARNING_RATE) * dW_xh
        W_hh -= np.float32(LEARNING_RATE) * dW_hh
        b_h -= np.float32(LEARNING_RATE) * db_h


def rnnkit_training(nets: list[Net], updates: int) -> Contenders:
    """Run a training loop written with the kernels, compiled, one net a thread at a time."""

    def run():
        started = [Net(*(a.copy() for a in net)) for net in nets]
        parallel.map_replicates(lambda r: _train(*started[r], updates), len(nets))
        return (np.stack([net.W_hh for net in started]),)

    return {"rnnkit": run}


def jax_training(nets: list[Net], updates: int) -> Contenders:
    """Run the updates in one `fori_loop`; all nets by `vmap`, or one after the other."""
    jax = jax_library()
    jnp, lax = jax.numpy, jax.lax
    last_state = _jax_last_state(1)

    def train(parameters, h_0, x, target):
        def loss(p):
            return 0.5 * ((last_state((*p, h_0), x) - target) ** 2).sum() / x.shape[1]

        def update(_, p):
            gradients = jax.grad(loss)(p)
            norm = jnp.sqrt(sum((g**2).sum() for g in gradients))
            scale = jnp.minimum(1, MAX_NORM / norm).astype(x.dtype) * LEARNING_RATE
            return tuple(a - scale * g for a, g in zip(p, gradients, strict=True))

        return lax.fori_loop(0, updates, update, parameters)

    def arguments(net):
        return tuple(map(jax.device_put, net[2:5])), *map(jax.device_put, (net.h_0, net.x, net.last))

    each = [arguments(net) for net in nets]
    together = jax.tree.map(lambda *a: jnp.stack(a), *each)
    one, many = jax.jit(train), jax.jit(jax.vmap(train))
    return {
        "jax vmap": lambda: (jax.block_until_ready(many(*together))[1],),
        "jax loop": lambda: (np.stack(jax.block_until_ready([one(*a)[1] for a in each])),),
    }


def torch_training(nets: list[Net], updates: int) -> Contenders:
    """Train one net after the other: `nn.RNN`, `clip_grad_norm_` and `SGD`."""
    import torch

    def train(net):
        _, module, x, target = _torch_net(net)
        module.bias_hh_l0.requires_grad_(False)
        optimizer, h_0 = torch.optim.SGD(module.parameters(), lr=LEARNING_RATE), torch.from_numpy(net.h_0)[None]
        for _ in range(updates):
            optimizer.zero_grad()
            (0.5 * ((module(x, h_0)[1][0] - target) ** 2).sum() / x.shape[1]).backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), MAX_NORM)
            optimizer.step()
        return module.weight_hh_l0.detach().T.numpy()

    def contender(threads):
        def run():
            torch.set_num_threads(threads)
            return (np.stack([train(net) for net in nets]),)

        return run

    return {f"torch threads={threads}": contender(threads) for threads in (1, 2)}
