"""What the benchmark of gated cells runs: forward + BPTT of one LSTM or GRU by rnnkit, JAX and PyTorch.

Contenders as in `peers`; a contender returns (dW_xh, dW_hh, db_h, dh_0) of one net.
"""

import numpy as np
from peers import Contenders, Net, jax_library

from rnnkit import parallel

GATES = {"lstm": 4, "gru": 3}


def draw_gated(generator: np.random.Generator, cell: str, H: int, B: int, T: int, I: int, dtype: str) -> Net:  # noqa: E741
    """Return x, h_0 and `last` as for an Elman net, W_xh (I, G), W_hh (H, G), b_h (4 H,)."""
    G = GATES[cell] * H
    shapes = ((T, B, I), (B, H), (I, G), (H, G), (4 * H,), (B, H))
    scales = (1, 0.1, 0.1, 1 / np.sqrt(H), 0.1, 1)
    return Net(*((s * generator.standard_normal(shape)).astype(dtype) for shape, s in zip(shapes, scales, strict=True)))


def rnnkit_gated(cell: str, net: Net) -> Contenders:
    """Make the two calls a user makes."""
    x, h_0, W_xh, W_hh, b_h, last = net
    zeros = np.zeros_like(h_0)

    def lstm():
        states = parallel.lstm_forward(x, h_0, zeros, W_xh, W_hh, b_h)
        g = parallel.lstm_backward(last, zeros, x, *states, W_xh, W_hh)
        return g.dW_xh, g.dW_hh, g.db_h, g.dh_0

    def gru():
        states = parallel.gru_forward(x, h_0, W_xh, W_hh, b_h)
        g = parallel.gru_backward(last, x, *states, W_xh, W_hh)
        return g.dW_xh, g.dW_hh, g.db_h, g.dh_0

    return {"rnnkit": {"lstm": lstm, "gru": gru}[cell]}


def _jax_steps(cell: str, jax: object):
    jnp, sigmoid = jax.numpy, jax.nn.sigmoid

    def lstm(state, from_x, W_hh, b_h):
        h, c = state
        i, f, g, o = jnp.split(from_x + h @ W_hh + b_h, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
        return sigmoid(o) * jnp.tanh(c), c

    def gru(state, from_x, W_hh, b_h):
        h, _ = state
        b, b_hn = jnp.split(b_h, [from_x.shape[-1]])
        x_r, x_z, x_n = jnp.split(from_x + b, 3, axis=-1)
        h_r, h_z, h_n = jnp.split(h @ W_hh, 3, axis=-1)
        r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
        n = jnp.tanh(x_n + r * (h_n + b_hn))
        return (1 - z) * n + z * h, h

    return {"lstm": lstm, "gru": gru}[cell]


def jax_gated(cell: str, net: Net) -> Contenders:
    """Run `jit` of `value_and_grad` of a scan, the product with x in it, or before it for all steps at once."""
    jax = jax_library()
    x, last = jax.device_put(net.x), jax.device_put(net.last)
    parameters = tuple(jax.device_put(a) for a in (net.W_xh, net.W_hh, net.b_h, net.h_0))
    cell_step = _jax_steps(cell, jax)

    def contender(unroll, before):
        def loss(parameters, x, last):
            W_xh, W_hh, b_h, h_0 = parameters

            def step(state, x_t):
                return cell_step(state, x_t if before else x_t @ W_xh, W_hh, b_h), None

            inputs = x @ W_xh if before else x
            h, _ = jax.lax.scan(step, (h_0, jax.numpy.zeros_like(h_0)), inputs, unroll=unroll)[0]
            return (h * last).sum()

        run = jax.jit(jax.value_and_grad(loss))
        return lambda: jax.block_until_ready(run(parameters, x, last))[1]

    variants = {"unroll=1": (1, False), "unroll=8": (8, False), "unroll=1, x before": (1, True)}
    return {f"jax {name}": contender(*v) for name, v in variants.items()}


def torch_gated(cell: str, net: Net) -> Contenders:
    """Run `nn.LSTM` or `nn.GRU` and autograd."""
    import torch

    (I, G), H = net.W_xh.shape, net.h_0.shape[1]  # noqa: E741
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
    module = kind(I, H, dtype=torch.from_numpy(net.x).dtype)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.from_numpy(net.W_xh.T.copy()))
        module.weight_hh_l0.copy_(torch.from_numpy(net.W_hh.T.copy()))
        module.bias_ih_l0.copy_(torch.from_numpy(net.b_h[:G]))
        module.bias_hh_l0.zero_()
        if cell == "gru":
            module.bias_hh_l0[2 * H :] = torch.from_numpy(net.b_h[G:])
    x, last = torch.from_numpy(net.x), torch.from_numpy(net.last)
    h_0 = torch.from_numpy(net.h_0)[None].clone().requires_grad_()
    state = (h_0, torch.zeros_like(h_0)) if cell == "lstm" else h_0

    def gradients():
        db = module.bias_ih_l0.grad
        db = torch.cat([db, module.bias_hh_l0.grad[2 * H :]]) if cell == "gru" else db
        return module.weight_ih_l0.grad.T, module.weight_hh_l0.grad.T, db, h_0.grad[0]

    def contender(threads):
        def run():
            torch.set_num_threads(threads)
            module.zero_grad()
            h_0.grad = None
            (module(x, state)[0][-1] * last).sum().backward()
            return gradients()

        return run

    return {f"torch threads={threads}": contender(threads) for threads in (1, 2)}
