import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.kernels.optimizers import adam, momentum, nesterov, rmsprop, sgd

STEPS = 50
ROUNDING = {np.float32: 5e-6, np.float64: 1e-14}  # of parameters near 1 after 50 additions, 1e-7 or 2e-16 each
KERNELS = {"sgd": sgd, "momentum": momentum, "nesterov": nesterov, "rmsprop": rmsprop, "adam": adam}
HYPERPARAMETERS = {
    "sgd": (0.05,),
    "momentum": (0.01, 0.9),
    "nesterov": (0.01, 0.9),
    "rmsprop": (0.01, 0.99, 1e-8),
    "adam": (0.01, 0.9, 0.999, 1e-8),
}
N_STATES = {"sgd": 0, "momentum": 1, "nesterov": 1, "rmsprop": 1, "adam": 2}
TORCH = {
    "sgd": ("SGD", {"lr": 0.05}),
    "momentum": ("SGD", {"lr": 0.01, "momentum": 0.9}),
    "nesterov": ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "alpha": 0.99, "eps": 1e-8}),
    "adam": ("Adam", {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8}),
}
every_kernel = pytest.mark.parametrize("name", KERNELS)
every_dtype = pytest.mark.parametrize("dtype", ROUNDING)


def make(name, shape=(3, 4), dtype=np.float64, seed=0):
    """Return p, the gradients of every step, and fresh state."""
    rng = np.random.default_rng(seed)
    gradients = [rng.standard_normal(shape).astype(dtype) for _ in range(STEPS)]
    return rng.standard_normal(shape).astype(dtype), gradients, [np.zeros(shape, dtype) for _ in range(N_STATES[name])]


def arguments(name, p, g, state, step):
    return p, g, *state, *([step] if name == "adam" else []), *HYPERPARAMETERS[name]


def formula(name, p, g, state, step):
    """One update as the papers write it, in plain NumPy and float64."""
    rate, *rest = HYPERPARAMETERS[name]
    if name == "sgd":
        return p - rate * g, []
    if name in ("momentum", "nesterov"):
        (mu,), velocity = rest, rest[0] * state[0] + g
        return p - rate * (velocity if name == "momentum" else g + mu * velocity), [velocity]
    if name == "rmsprop":
        alpha, epsilon = rest
        square = alpha * state[0] + (1 - alpha) * g**2
        return p - rate * g / (np.sqrt(square) + epsilon), [square]
    beta1, beta2, epsilon = rest
    mean, square = beta1 * state[0] + (1 - beta1) * g, beta2 * state[1] + (1 - beta2) * g**2
    corrected = mean / (1 - beta1**step), square / (1 - beta2**step)
    return p - rate * corrected[0] / (np.sqrt(corrected[1]) + epsilon), [mean, square]


@every_kernel
@every_dtype
@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4), (2, 3, 2)], ids=str)
def test_kernel_against_the_formula(name, dtype, shape):
    p, gradients, state = make(name, shape, dtype)
    expected, expected_state = p.astype(np.float64), [a.astype(np.float64) for a in state]
    for step, g in enumerate(gradients, 1):
        before = g.copy()
        KERNELS[name](*arguments(name, p, g, state, step))
        np.testing.assert_array_equal(g, before)
        expected, expected_state = formula(name, expected, g.astype(np.float64), expected_state, step)
        for got, exact in zip((p, *state), (expected, *expected_state), strict=True):
            np.testing.assert_allclose(got, exact, rtol=ROUNDING[dtype], atol=ROUNDING[dtype])


@every_kernel
@every_dtype
def test_fifty_steps_against_torch(name, dtype):
    torch = pytest.importorskip("torch", reason="torch is a peer of the benchmark, not needed otherwise")
    p, gradients, state = make(name, dtype=dtype)
    leaf = torch.nn.Parameter(torch.from_numpy(p.copy()))
    kind, hyperparameters = TORCH[name]
    peer = getattr(torch.optim, kind)([leaf], **hyperparameters)
    for step, g in enumerate(gradients, 1):
        KERNELS[name](*arguments(name, p, g, state, step))
        leaf.grad = torch.from_numpy(g.copy())
        peer.step()
        np.testing.assert_allclose(p, leaf.detach().numpy(), rtol=ROUNDING[dtype], atol=ROUNDING[dtype])


def descend(update, steps=STEPS):
    """Run update(theta, gradient of 0.5 theta A theta) and return all thetas."""
    A, theta, path = np.diag([1.0, 4.0, 9.0]), np.array([1.0, -2.0, 0.5]), []
    for _ in range(steps):
        theta = update(theta, lambda x: A @ x)
        path.append(theta.copy())
    return np.array(path)


def test_heavy_ball_is_polyaks():
    """theta' = theta - rate gradient + mu (theta - theta before)."""
    velocity, before = np.zeros(3), []

    def ours(theta, gradient):
        momentum(theta, gradient(theta), velocity, 0.02, 0.9)
        return theta

    def polyak(theta, gradient):
        before.append(theta)
        return theta - 0.02 * gradient(theta) + 0.9 * (theta - before[max(len(before) - 2, 0)])

    np.testing.assert_allclose(descend(ours), descend(polyak), rtol=0, atol=1e-13)


def test_nesterov_is_sutskevers_seen_from_the_point_ahead():
    """v' = mu v - rate gradient(theta + mu v), theta' = theta + v'; ours holds theta + mu v."""
    velocity, v = np.zeros(3), np.zeros(3)

    def ours(ahead, gradient):
        nesterov(ahead, gradient(ahead), velocity, 0.02, 0.9)
        return ahead

    def sutskever(ahead, gradient):
        theta = ahead - 0.9 * v
        v[:] = 0.9 * v - 0.02 * gradient(ahead)
        return theta + v + 0.9 * v

    np.testing.assert_allclose(descend(ours), descend(sutskever), rtol=0, atol=1e-13)


def test_a_new_learning_rate_acts_on_the_whole_velocity():
    p, velocity = np.zeros(1), np.zeros(1)
    momentum(p, np.ones(1), velocity, 0.1, 0.9)
    momentum(p, np.zeros(1), velocity, 0.0, 0.9)
    assert (p[0], velocity[0]) == (-0.1, 0.9)  # with the rate inside the velocity p would move on by 0.09


@every_dtype
def test_the_first_step_of_adam_is_the_learning_rate(dtype):
    """Without the corrections it would be 0.3 of it with these betas; Kingma and Ba (2015), section 3."""
    p, g = np.zeros(3, dtype), np.array([1e-3, -1, 1e3], dtype)
    adam(p, g, np.zeros(3, dtype), np.zeros(3, dtype), 1, 0.01, 0.9, 0.999, 1e-12)
    np.testing.assert_allclose(p, -0.01 * np.sign(g), rtol=ROUNDING[np.float32])


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=9), st.floats(0, 1))
def test_without_momentum_both_are_plain_descent(entries, learning_rate):
    g = np.array(entries)
    plain, ball, ahead = (np.ones_like(g) for _ in range(3))
    sgd(plain, g, learning_rate)
    momentum(ball, g, np.full_like(g, 7), learning_rate, 0.0)
    nesterov(ahead, g, np.full_like(g, 7), learning_rate, 0.0)
    np.testing.assert_array_equal(ball, plain)
    np.testing.assert_array_equal(ahead, plain)


@every_kernel
@every_dtype
def test_a_zero_gradient_at_rest_moves_nothing(name, dtype):
    p, _, state = make(name, dtype=dtype)
    before = p.copy()
    KERNELS[name](*arguments(name, p, np.zeros_like(p), state, 1))
    np.testing.assert_array_equal(p, before)


@numba.njit
def train(p, gradients, a, b):
    for i in range(len(gradients)):
        g = gradients[i]
        sgd(p, g, 0.05)
        momentum(p, g, a[0], 0.01, 0.9)
        nesterov(p, g, a[1], 0.01, 0.9)
        rmsprop(p, g, a[2], 0.01, 0.99, 1e-8)
        adam(p, g, a[3], b, i + 1, 0.01, 0.9, 0.999, 1e-8)


@every_dtype
def test_callable_from_compiled_code(dtype):
    p, gradients, _ = make("sgd", dtype=dtype)
    q, a, b = p.copy(), np.zeros((4, 3, 4), dtype), np.zeros((3, 4), dtype)
    train(q, np.array(gradients), a, b)
    states = {name: [np.zeros_like(p) for _ in range(n)] for name, n in N_STATES.items()}
    for step, g in enumerate(gradients, 1):
        for name in KERNELS:
            KERNELS[name](*arguments(name, p, g, states[name], step))
    np.testing.assert_array_equal(q, p)
    np.testing.assert_array_equal(b, states["adam"][1])


@numba.njit
def train_strided(p, g):
    sgd(p[:, ::2], g, 0.1)


def test_a_strided_view_in_compiled_code_is_no_silent_loss():
    with pytest.raises(numba.TypingError, match="contiguous"):
        train_strided(np.ones((2, 4)), np.ones((2, 2)))


@every_kernel
@pytest.mark.parametrize(
    "bad",
    [[1.0], np.ones((3, 4), int), np.ones((3, 4), np.float32), np.ones((4, 3)), np.ones((4, 3)).T],
    ids=["list", "int", "dtype", "shape", "layout"],
)
def test_bad_arrays_are_named(name, bad):
    p, gradients, state = make(name)
    with pytest.raises(ValueError, match=r"^g must"):
        KERNELS[name](*arguments(name, p, bad, state, 1))
    labels = {"adam": ["mean", "square"], "rmsprop": ["square"]}.get(name, ["velocity"])
    for i, label in zip(range(len(state)), labels, strict=False):
        spoiled = [bad if j == i else a for j, a in enumerate(state)]
        with pytest.raises(ValueError, match=rf"^{label} must"):
            KERNELS[name](*arguments(name, p, gradients[0], spoiled, 1))


@every_kernel
def test_arrays_that_cannot_be_written_are_named_and_gradients_may_be_read_only(name):
    p, (g, *_), state = make(name)
    g.flags.writeable = False
    KERNELS[name](*arguments(name, p, g, state, 1))
    p.flags.writeable = False
    with pytest.raises(ValueError, match=r"^p must be C-contiguous and writeable"):
        KERNELS[name](*arguments(name, p, g, state, 1))


@pytest.mark.parametrize(
    ("name", "place", "bad"),
    [("sgd", 0, v) for v in (-0.1, np.nan, np.inf, 1e39, "0.1", True, None)]
    + [("momentum", 1, v) for v in (-0.1, 1.0, np.nan)]
    + [("nesterov", 1, 1), ("rmsprop", 1, 1.0), ("rmsprop", 2, 0.0), ("rmsprop", 2, 1e-40), ("rmsprop", 2, np.inf)]
    + [("adam", 1, 1.0), ("adam", 2, -1), ("adam", 3, 0)],
)
def test_a_bad_setting_is_named(name, place, bad):
    labels = {"rmsprop": ("learning_rate", "alpha", "epsilon"), "adam": ("learning_rate", "beta1", "beta2", "epsilon")}
    label = labels.get(name, ("learning_rate", "mu"))[place]
    p, gradients, state = make(name)
    hyperparameters = [bad if i == place else v for i, v in enumerate(HYPERPARAMETERS[name])]
    with pytest.raises(ValueError, match=rf"^{label} must be a number in "):
        KERNELS[name](p, gradients[0], *state, *([1] if name == "adam" else []), *hyperparameters)


@pytest.mark.parametrize("bad", [0, -1, 1.0, True])
def test_a_bad_step_is_named(bad):
    p, gradients, state = make("adam")
    with pytest.raises(ValueError, match=r"^step must be an integer"):
        adam(*arguments("adam", p, gradients[0], state, bad))
