"""Updates in place, by PyTorch's rules (torch.optim, no weight decay), in the dtype of the arrays.

p: parameters. g: their gradient. State arrays are zero before the first update and belong to the optimizer. All of one
shape and dtype, C-contiguous; p and the state are overwritten, g is not; none may share memory with another.
A g that is not finite makes p so too: clip, or check, before.

Running means are written m += take (new - m): a sum of two products, keep m + take new, can be contracted to a fused
multiply-add in two ways, and copies of a kernel inside its callers then differ in last bits.

Momentum follows torch: the velocity sums gradients, and the learning rate multiplies it at the update. Polyak and
Sutskever et al. put the learning rate inside the velocity. At a constant learning rate both give the same p; after a
change of it torch's whole velocity takes the new rate at once, theirs decays into it over 1 / (1 - mu) steps.
"""

import math

import numpy as np

from rnnkit._arguments import check_array, integer, number
from rnnkit._compile.jit import checked_border, jit
from rnnkit.kernels._checks import FLOATS, check_no_overlap

# Beyond these a float32 would be 0 or inf, silently.
SMALLEST, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
RANGES = {"learning_rate": (0.0, LARGEST), "epsilon": (SMALLEST, LARGEST)}  # others: [0, 1)


@jit
def _sgd(p, g, learning_rate):
    # reshape, not ravel: where an array is not contiguous it raises, and ravel would update a copy
    p, g, rate = p.reshape(p.size), g.reshape(g.size), p.dtype.type(learning_rate)
    for i in range(p.size):
        p[i] -= rate * g[i]


@jit
def _momentum(p, g, velocity, learning_rate, mu):
    rate, keep = p.dtype.type(learning_rate), p.dtype.type(mu)
    p, g, velocity = p.reshape(p.size), g.reshape(g.size), velocity.reshape(velocity.size)
    for i in range(p.size):
        velocity[i] = keep * velocity[i] + g[i]
        p[i] -= rate * velocity[i]


@jit
def _nesterov(p, g, velocity, learning_rate, mu):
    rate, keep = p.dtype.type(learning_rate), p.dtype.type(mu)
    p, g, velocity = p.reshape(p.size), g.reshape(g.size), velocity.reshape(velocity.size)
    for i in range(p.size):
        velocity[i] = keep * velocity[i] + g[i]
        p[i] -= rate * (g[i] + keep * velocity[i])


@jit
def _rmsprop(p, g, square, learning_rate, alpha, epsilon):
    T = p.dtype.type
    rate, take, floor = T(learning_rate), T(1 - alpha), T(epsilon)
    p, g, square = p.reshape(p.size), g.reshape(g.size), square.reshape(square.size)
    for i in range(p.size):
        square[i] += take * (g[i] * g[i] - square[i])
        p[i] -= rate * (g[i] / (np.sqrt(square[i]) + floor))


@jit
def _adam(p, g, mean, square, step, learning_rate, beta1, beta2, epsilon):
    T = p.dtype.type
    rate, root = T(learning_rate / (1 - beta1**step)), T(math.sqrt(1 - beta2**step))
    take1, take2, floor = T(1 - beta1), T(1 - beta2), T(epsilon)
    p, g, mean, square = p.reshape(p.size), g.reshape(g.size), mean.reshape(mean.size), square.reshape(square.size)
    for i in range(p.size):
        mean[i] += take1 * (g[i] - mean[i])
        square[i] += take2 * (g[i] * g[i] - square[i])
        p[i] -= rate * (mean[i] / (np.sqrt(square[i]) / root + floor))


def check_hyperparameters(**hyperparameters: float) -> None:
    """Raise ValueError naming the first one out of its range: see RANGES; mu, alpha, beta1 and beta2 in [0, 1)."""
    for name, value in hyperparameters.items():
        low, high = RANGES.get(name, (0.0, 1.0))
        number(name, value, least=low, **{"most" if name in RANGES else "below": high})


def check_update(written: dict[str, np.ndarray], read: dict[str, np.ndarray]) -> None:
    """Raise ValueError naming the first array that is not of the type, shape and layout of the first one, or is it."""
    first = None
    for name, array in (written | read).items():
        check_array(name, array)
        if array.dtype not in FLOATS:
            raise ValueError(f"{name} must be float32 or float64, got {array.dtype}")
        first = array if first is None else first
        if (array.shape, array.dtype) != (first.shape, first.dtype):
            raise ValueError(f"{name} must be {first.dtype} {first.shape}, got {array.dtype} {array.shape}")
        if not array.flags.c_contiguous or (name in written and not array.flags.writeable):
            writeable = " and writeable" if name in written else ""
            raise ValueError(f"{name} must be C-contiguous{writeable}, got a view or a read-only array")
    check_no_overlap(written, read)


def _run(kernel, p, g, state: dict[str, np.ndarray], *count: int, **hyperparameters: float) -> None:
    """Check, then run a kernel on flat views: one compiled body serves every shape."""
    check_update({"p": p} | state, {"g": g})
    check_hyperparameters(**hyperparameters)
    flat = [a.reshape(-1) for a in (p, g, *state.values())]
    kernel(*flat, *count, *[float(value) for value in hyperparameters.values()])


@checked_border(_sgd)
def sgd(p: np.ndarray, g: np.ndarray, learning_rate: float) -> None:
    """Gradient descent: p -= learning_rate g.

    p, g: arrays as the module says. learning_rate: 0 or more. Raises ValueError naming a bad argument.
    """
    _run(_sgd, p, g, {}, learning_rate=learning_rate)


@checked_border(_momentum)
def momentum(p: np.ndarray, g: np.ndarray, velocity: np.ndarray, learning_rate: float, mu: float) -> None:
    """Heavy ball: velocity = mu velocity + g; p -= learning_rate velocity. mu in [0, 1), rest as in `sgd`.

    Polyak, Some methods of speeding up the convergence of iteration methods (1964), with torch's velocity.
    """
    _run(_momentum, p, g, {"velocity": velocity}, learning_rate=learning_rate, mu=mu)


@checked_border(_nesterov)
def nesterov(p: np.ndarray, g: np.ndarray, velocity: np.ndarray, learning_rate: float, mu: float) -> None:
    """Nesterov's momentum: velocity = mu velocity + g; p -= learning_rate (g + mu velocity). Rest as in `momentum`.

    Nesterov (1983); Sutskever, Martens, Dahl, Hinton (2013), eqs. 3 and 4, which take g at theta + mu v, v holding the
    learning rate. Here, as in torch, p is that point ahead, and g is taken at p.
    """
    _run(_nesterov, p, g, {"velocity": velocity}, learning_rate=learning_rate, mu=mu)


@checked_border(_rmsprop)
def rmsprop(
    p: np.ndarray, g: np.ndarray, square: np.ndarray, learning_rate: float, alpha: float, epsilon: float
) -> None:
    """RMSprop: square = alpha square + (1 - alpha) g^2; p -= learning_rate g / (sqrt(square) + epsilon).

    alpha in [0, 1), epsilon above 0, rest as in `sgd`. Tieleman and Hinton, lecture 6.5 (2012); epsilon is torch's.
    """
    _run(_rmsprop, p, g, {"square": square}, learning_rate=learning_rate, alpha=alpha, epsilon=epsilon)


@checked_border(_adam)
def adam(
    p: np.ndarray,
    g: np.ndarray,
    mean: np.ndarray,
    square: np.ndarray,
    step: int,
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> None:
    """Adam: mean and square are running means of g and g^2, corrected for their start at zero.

    p -= learning_rate (mean / (1 - beta1^step)) / (sqrt(square / (1 - beta2^step)) + epsilon)

    step: number of this update, 1 for the first. beta1, beta2 in [0, 1), epsilon above 0, rest as in `sgd`.
    Kingma and Ba (2015), algorithm 1.
    """
    hyperparameters = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
    _run(_adam, p, g, {"mean": mean, "square": square}, integer("step", step, 1), **hyperparameters)
