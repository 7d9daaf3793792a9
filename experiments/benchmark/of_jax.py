"""Forward + BPTT by JAX: `jit` of `value_and_grad` of a scan. A run returns (dW_xh, dW_hh, db_h, dh_0).

Unrolled or not, the product with x in each step, or before the scan for all steps at once. Two of these, of four, were
never the fastest.
"""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
LEARNING_RATE, MAX_NORM = 0.01, 1.0
WAYS = {"unroll=1": (1, False), "unroll=8": (8, False), "x-before": (1, True)}


def _rnn(state, from_x, W_hh, b_h):
    h, _ = state
    h = jnp.tanh(from_x + h @ W_hh + b_h)
    return h, h


def _lstm(state, from_x, W_hh, b_h):
    h, c = state
    i, f, g, o = jnp.split(from_x + h @ W_hh + b_h, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(state, from_x, W_hh, b_h):
    h, _ = state
    b, b_hn = jnp.split(b_h, [from_x.shape[-1]])
    x_r, x_z, x_n = jnp.split(from_x + b, 3, axis=-1)
    h_r, h_z, h_n = jnp.split(h @ W_hh, 3, axis=-1)
    r, z = jax.nn.sigmoid(x_r + h_r), jax.nn.sigmoid(x_z + h_z)
    n = jnp.tanh(x_n + r * (h_n + b_hn))
    h = (1 - z) * n + z * h
    return h, h


STEPS = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}


def last_state(kind, parameters, x, unroll=1, before=False):
    """Return h_T of a net from its parameters (W_xh, W_hh, b_h, h_0)."""
    W_xh, W_hh, b_h, h_0 = parameters

    def step(state, x_t):
        return STEPS[kind](state, x_t if before else x_t @ W_xh, W_hh, b_h), None

    first = h_0, jnp.zeros_like(h_0) if kind == "lstm" else h_0
    return jax.lax.scan(step, first, x @ W_xh if before else x, unroll=unroll)[0][0]


def gradients(kind, net):
    """Return the runs by name."""
    x, last = jax.device_put(net.x), jax.device_put(net.last)
    parameters = tuple(jax.device_put(a) for a in (net.W_xh, net.W_hh, net.b_h, net.h_0))

    def way(unroll, before):
        def loss(parameters, x, last):
            return (last_state(kind, parameters, x, unroll, before) * last).sum()

        run = jax.jit(jax.value_and_grad(loss))
        return lambda: jax.block_until_ready(run(parameters, x, last))[1]

    return {name: way(*how) for name, how in WAYS.items()}


def training(nets, updates):
    """Return the updates in one `fori_loop`; all nets by `vmap`, or one after the other. A run returns all W_hh."""

    def train(parameters, h_0, x, target):
        def loss(p):
            return 0.5 * ((last_state("rnn", (*p, h_0), x) - target) ** 2).sum() / x.shape[1]

        def update(_, p):
            gradients = jax.grad(loss)(p)
            norm = jnp.sqrt(sum((g**2).sum() for g in gradients))
            scale = jnp.minimum(1, MAX_NORM / norm).astype(x.dtype) * LEARNING_RATE
            return tuple(a - scale * g for a, g in zip(p, gradients))

        return jax.lax.fori_loop(0, updates, update, parameters)

    def arguments(net):
        return tuple(map(jax.device_put, net[2:5])), *map(jax.device_put, (net.h_0, net.x, net.last))

    each = [arguments(net) for net in nets]
    together = jax.tree_util.tree_map(lambda *a: jnp.stack(a), *each)
    one, many = jax.jit(train), jax.jit(jax.vmap(train))
    return {
        "vmap": lambda: (jax.block_until_ready(many(*together))[1],),
        "loop": lambda: (jnp.stack(jax.block_until_ready([one(*a)[1] for a in each])),),
    }
