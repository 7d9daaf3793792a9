import numba
import numpy as np
import pytest
from pairs import every_pair

from rnnkit import kernels, reference
from rnnkit.gradients.gradcheck import numerical_gradient, relative_error
from rnnkit.kernels import (
    ACTIVATIONS,
    IDENTITY,
    RELU,
    TANH,
    rnn_backward,
    rnn_backward_into,
    rnn_forward,
    rnn_forward_into,
)

EXACT = 1e-12  # another order of at most 600 float64 additions, relative to the largest sum
SINGLE = 5e-5  # the same in float32, and against float64, carried over 5 to 130 steps
DIFFERENCES = 1e-8  # 4th-order differences of 5 smooth steps
KINK = 4e-3  # four steps of the differences
ROUNDING = {np.float32: SINGLE, np.float64: EXACT}
every_activation = pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)


def run(module, net, dh, activation):
    h = module.rnn_forward(*net, activation)
    return h, *module.rnn_backward(dh, net.x, h, net.W_xh, net.W_hh, activation)


def assert_close(got, expected, tolerance):
    for g, e in zip(got, expected, strict=True):
        assert g.shape == e.shape
        np.testing.assert_allclose(g, e, rtol=0, atol=tolerance * max(1, np.abs(e).max()))


@every_pair(
    {
        "B, T": [(1, 1), (1, 5), (3, 1), (3, 5), (20, 30), (1, 130)],  # two shards; two chunks
        "H": [1, 7, 33],
        "dtype": ROUNDING,
        "activation": ACTIVATIONS.values(),
    }
)
def test_kernel_against_reference(make_net, activation, dtype, H, B, T):
    net, dh = make_net(T=T, B=B, H=H, dtype=dtype)
    for gradient in (dh, dh[-1]):  # at every step, at the last alone
        got = run(kernels, net, gradient, activation)
        assert {g.dtype for g in got} == {np.dtype(dtype)}
        assert_close(got, run(reference, net, gradient, activation), ROUNDING[dtype])


def distance_to_kink(net):
    h = reference.rnn_forward(*net, RELU)
    return np.abs(net.x @ net.W_xh + h[:-1] @ net.W_hh + net.b_h).min() / max(1, np.abs(h).max())


@every_activation
@pytest.mark.parametrize("last_only", [False, True])
def test_gradients_against_differences(make_net, activation, last_only):
    nets = (make_net(T=4, B=2, H=5, seed=seed) for seed in range(100))
    # The first net whose pre-activations all stay four steps away from the kink of relu.
    net, dh = next((net, dh) for net, dh in nets if distance_to_kink(net) > KINK)
    dh = dh[-1] if last_only else dh
    gradients = run(kernels, net, dh, activation)[1:]

    def loss():
        h = rnn_forward(*net, activation)
        return (dh * (h[-1] if last_only else h[1:])).sum()

    for gradient, array in zip(gradients, net, strict=True):
        assert relative_error(gradient, numerical_gradient(loss, array)) < DIFFERENCES


@every_activation
def test_float32_against_float64(make_net, activation):
    net, dh = make_net(H=33)
    single = run(kernels, net.astype(np.float32), dh.astype(np.float32), activation)
    assert_close(single, run(kernels, net, dh, activation), SINGLE)


@every_activation
@pytest.mark.parametrize("cut", [1, 2, 4])
def test_chunks_with_carried_state_equal_the_whole(make_net, activation, cut):
    """To rounding, not to the bit: the weight gradients are summed over other steps first."""
    net, dh = make_net()
    whole = run(kernels, net, dh, activation)
    h_first = rnn_forward(net.x[:cut], *net[1:], activation)
    h_second = rnn_forward(net.x[cut:], h_first[-1], *net[2:], activation)
    second = rnn_backward(dh[cut:], net.x[cut:], h_second, net.W_xh, net.W_hh, activation)
    dh_first = dh[:cut].copy()
    dh_first[-1] += second.dh_0
    first = rnn_backward(dh_first, net.x[:cut], h_first, net.W_xh, net.W_hh, activation)
    weights = (a + b for a, b in zip(first[2:], second[2:], strict=True))
    joined = (
        np.concatenate([h_first, h_second[1:]]),
        np.concatenate([first.dx, second.dx]),
        first.dh_0,
        *weights,
    )
    assert_close(joined, whole, EXACT)


@every_activation
def test_a_permuted_batch_permutes(make_net, activation):
    net, dh = make_net(B=5)
    order = np.array([3, 0, 4, 1, 2])
    h, dx, dh_0, *weights = run(kernels, net, dh, activation)
    permuted = net._replace(x=net.x[:, order].copy(), h_0=net.h_0[order].copy())
    got = run(kernels, permuted, dh[:, order].copy(), activation)
    assert_close(got, (h[:, order], dx[:, order], dh_0[order], *weights), EXACT)


@every_pair({"B": [3, 20], "H": [1, 7, 33], "dtype": ROUNDING})
def test_the_bytes_of_a_row_do_not_depend_on_its_batch(make_net, dtype, H, B):
    net, dh = make_net(T=30, B=B, H=H, dtype=dtype)
    h, dx, dh_0, *_ = run(kernels, net, dh, TANH)
    for b in range(B):
        alone = net._replace(x=net.x[:, b : b + 1].copy(), h_0=net.h_0[b : b + 1].copy())
        h_b, dx_b, dh_0_b, *_ = run(kernels, alone, dh[:, b : b + 1].copy(), TANH)
        assert h_b.tobytes() == h[:, b].tobytes()
        assert (dx_b.tobytes(), dh_0_b.tobytes()) == (dx[:, b].tobytes(), dh_0[b].tobytes())


def test_a_linear_net_is_a_matrix_power(make_net):
    net, dh = make_net(T=6)
    net.x[:], net.b_h[:] = 0, 0
    h, _, dh_0, *_ = run(kernels, net, dh[-1], IDENTITY)
    power = np.linalg.matrix_power(net.W_hh, 6)
    assert_close((h[-1], dh_0), (net.h_0 @ power, dh[-1] @ power.T), EXACT)


@every_activation
def test_a_gradient_at_the_last_step_is_one_padded_with_zeros(make_net, activation):
    net, dh = make_net()
    dh[:-1] = 0
    for last, padded in zip(
        run(kernels, net, dh[-1].copy(), activation), run(kernels, net, dh, activation), strict=True
    ):
        np.testing.assert_array_equal(last, padded)


def test_inputs_are_left_alone(make_net):
    net, dh = make_net()
    before = [a.copy() for a in (*net, dh)]
    run(kernels, net, dh, TANH)
    for a, b in zip((*net, dh), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("last_only", [False, True])
def test_into_forms_write_what_the_allocating_forms_return(make_net, last_only):
    net, dh = make_net()
    dh = dh[-1] if last_only else dh
    expected = run(kernels, net, dh, TANH)
    outputs = [np.full_like(a, np.nan) for a in expected]
    rnn_forward_into(*net, TANH, outputs[0])
    rnn_backward_into(dh, net.x, outputs[0], net.W_xh, net.W_hh, TANH, *outputs[1:])
    for output, e in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output, e)


# Only prange: turning every array expression into parallel loops too would treble the time to compile.
PRANGE_ONLY = dict.fromkeys(
    ("comprehension", "reduction", "inplace_binop", "setitem", "numpy", "stencil", "fusion"), False
) | {"prange": True}


@numba.njit(parallel=PRANGE_ONLY)
def run_in_parallel(dh, x, h_0, W_xh, W_hh, b_h, activation, h, corners):
    """One net on every batch n of x (N, T, B, I), each on its own thread."""
    for n in numba.prange(x.shape[0]):
        rnn_forward_into(x[n], h_0, W_xh, W_hh, b_h, activation, h[n])
        corners[n] = rnn_backward(dh, x[n], h[n], W_xh, W_hh, activation).dW_hh[0, 0]


def test_callable_from_compiled_code_inside_prange(make_net):
    net, dh = make_net()
    x = np.random.default_rng(1).standard_normal((4, *net.x.shape))
    h, corners = np.empty((4, 6, 3, 7)), np.empty(4)
    run_in_parallel(dh, x, *net[1:], TANH, h, corners)
    for n in range(4):
        expected = run(kernels, net._replace(x=x[n]), dh, TANH)
        np.testing.assert_array_equal(h[n], expected[0])
        assert corners[n] == expected[4][0, 0]


BROKEN = {
    "rank": lambda a: a[None, None],
    "empty": lambda a: a[:0],
    "dtype": lambda a: a.astype(int),
    "layout": lambda a: np.flip(a, -1),
    "list": lambda a: a.tolist(),
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("function", [rnn_forward, rnn_backward])
def test_a_bad_array_is_named(make_net, function, how):
    net, dh = make_net()
    arguments = net._asdict()
    if function is rnn_backward:
        h = rnn_forward(*net, TANH)
        arguments = dict(dh=dh, x=net.x, h=h, W_xh=net.W_xh, W_hh=net.W_hh)
    for name, array in arguments.items():
        with pytest.raises(ValueError, match=rf"^{name} must"):
            function(**arguments | {name: BROKEN[how](array)}, activation=TANH)


def test_a_size_or_dtype_that_does_not_fit_is_named(make_net):
    net, dh = make_net()
    h = rnn_forward(*net, TANH)
    with pytest.raises(ValueError, match=r"^h must have shape \(S, B, H\) with T = 5 \(S = T \+ 1\)"):
        rnn_backward(dh, net.x, h[1:], net.W_xh, net.W_hh, TANH)
    with pytest.raises(ValueError, match=r"^dh.* must have shape .* with H = 7, got \(3, 6\)"):
        rnn_backward(dh[0, :, :6].copy(), net.x, h, net.W_xh, net.W_hh, TANH)
    with pytest.raises(ValueError, match=r"^W_hh must be float64 like the arguments before it, got float32"):
        rnn_forward(*net._replace(W_hh=net.W_hh.astype(np.float32)), TANH)


@pytest.mark.parametrize("activation", [4, -1, True, "tanh", None, 0.5])
def test_a_bad_activation_is_named(make_net, activation):
    net, dh = make_net()
    with pytest.raises(ValueError, match=r"^activation must be one of TANH=0"):
        rnn_forward(*net, activation)
    with pytest.raises(ValueError, match=r"^activation must be one of TANH=0"):
        rnn_backward(dh, net.x, np.zeros((6, 3, 7)), net.W_xh, net.W_hh, activation)
