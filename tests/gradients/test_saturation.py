"""Gradients of states, Jacobians and exponents of nets whose units are saturated, against mpmath."""

from itertools import combinations, product

import mpmath as mp
import numpy as np
import pytest
from exact import BITS, MANY_BITS, exact, jacobian, log, log_norm, log_volumes, minors
from scipy.special import logsumexp

import rnnkit
from rnnkit.gradients.jacobians import jacobian_product, step_jacobian
from rnnkit.gradients.log_norms import hidden_log_norms, loss_by_state
from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.rng import streams

ROUNDING = 1e-11  # relative to a logarithm, or to 1: some float64 steps
EXPONENTS = 1e-7  # LAPACK's QR is taken where it errs by 1e-8 of R_ii
ENTRY = 1e-11  # relative, of an entry of a step's Jacobian: its logarithm may be 700
SMALLEST = 1e-300  # float64 has few digits below
CELLS = {"tanh": 1, "sigmoid": 1, "lstm": 4, "gru": 3}
SIZES = {"tanh": (1, 9.5, 20, 100), "sigmoid": (1, 20, 200), "lstm": (1, 20, 200), "gru": (1, 20, 100)}
FAR = {"tanh": (1, 20, 1e4), "sigmoid": (1, 200, 1e5), "lstm": (1, 200, 1e4), "gru": (1, 200, 1e4)}
every_cell = pytest.mark.parametrize("cell", CELLS)
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def driven(cell, dtype, sizes, H=2, T=4, W="dense", seed=0):
    """Return (net, run) whose pre-activations, of gates too, have these sizes, but for W h."""
    rng = np.random.default_rng(seed)
    net = rnnkit.RNN(CELLS[cell] * H, H, cell=cell, dtype=dtype, seed=seed)
    net.parameters["l0.W_xh"][:] = np.eye(CELLS[cell] * H)
    if W == "diagonal":
        net.parameters["l0.W_hh"][:] = np.hstack([np.diag(rng.uniform(0.3, 1.5, H)) for _ in range(CELLS[cell])])
    shape = (T, 1, CELLS[cell] * H)
    x = rng.choice(sizes, shape) * rng.choice([-1, 1], shape) * rng.uniform(0.8, 1, shape)
    return net, net.forward(x.astype(dtype))


def cases(cell, dtype, sizes, **options):
    for W in ("dense", "diagonal"):
        for seed in range(3):
            yield driven(cell, dtype, sizes, W=W, seed=seed, **options)


def factors_of(net, trace):
    return [jacobian(net, trace, t) for t in range(len(trace.x))]


def gradients(net, trace, dy):
    """Yield (ln ||dL/dh_t||, ln ||dL/dc_t|| or None) from the last step back, for dL/dh_T = dy."""
    H, S = net.hidden_size, net.hidden_size * (2 if net.cell.name == "lstm" else 1)
    g = np.append(exact(dy), exact(np.zeros(S - H)))
    for J in reversed(factors_of(net, trace)):
        c = None
        if net.cell.name == "lstm":
            p = np.array([J[u, H + u] / J[H + u, H + u] for u in range(H)])
            c = log_norm(g[H:] + g[:H] * p)
        yield log_norm(g[:H]), c
        g = g @ J


def assert_close(found, expected, tolerance=ROUNDING):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@every_cell
@every_dtype
@pytest.mark.parametrize("H", [1, 3])
def test_log_norms(cell, dtype, H):
    for sizes in (SIZES[cell], FAR[cell]):
        for net, trace in cases(cell, dtype, sizes, H=H):
            dy = np.zeros_like(trace.y)
            dy[-1] = streams(5).data.standard_normal(dy[-1].shape)
            with mp.workprec(BITS):
                expected = list(gradients(net, trace, dy[-1, 0]))[::-1]
            found = hidden_log_norms(net, trace, dy)["l0"]
            assert_close(found.h[:, 0], [h for h, _ in expected])
            assert_close(loss_by_state(net, trace, dy)[-1, :, 0], [h for h, _ in expected])
            if cell == "lstm":
                assert_close(found.c[:, 0], [c for _, c in expected])


def test_the_losses_of_all_steps_and_of_layers_above():
    """Two layers: J of the lower one by its own pre-activations; dL/dh of it through k W_xh of the upper."""
    net = rnnkit.RNN(1, 1, cell="tanh", layers=2, dtype="float64")
    for name, value in {"l0.W_xh": 1, "l0.W_hh": 0.7, "l1.W_xh": 300, "l1.W_hh": 0.4}.items():
        net.parameters[name][:] = value
    trace = net.forward(np.array([[[400.0]], [[-30.0]], [[-500.0]]]))
    found = loss_by_state(net, trace, np.ones_like(trace.y))
    h0, h1 = ([float(h) for h in layer.h[:, 0, 0]] for layer in trace.layers)
    a0 = [float(x) + 0.7 * h for x, h in zip(trace.x[:, 0, 0], h0, strict=False)]
    a1 = [300 * below + 0.4 * h for below, h in zip(h0[1:], h1, strict=False)]
    k0, k1 = ([float(mp.log(mp.sech(mp.mpf(v)) ** 2)) for v in a] for a in (a0, a1))
    for s in range(3):
        assert_close(found[s, s, 0], k1[s] + np.log(300))
    through_l0 = k1[1] + np.log(300) + k0[1] + np.log(0.7)
    through_l1 = k1[1] + np.log(0.4) + k1[0] + np.log(300)
    assert_close(found[1, 0, 0], np.logaddexp(through_l0, through_l1))


@every_cell
@every_dtype
def test_a_step_s_jacobian_to_the_last_digits(cell, dtype):
    for net, trace in cases(cell, dtype, SIZES[cell]):
        with mp.workprec(BITS):
            for t, J in enumerate(factors_of(net, trace)):
                np.testing.assert_allclose(step_jacobian(net, trace, t), J.astype(float), rtol=ENTRY, atol=SMALLEST)


def test_a_saturated_tanh_has_a_slope():
    net = rnnkit.RNN(1, 1, cell="tanh", dtype="float64")
    net.parameters["l0.W_xh"][:] = net.parameters["l0.W_hh"][:] = 1
    trace = net.forward(np.array([[[20.0]], [[19.0]], [[1e3]]]))
    assert abs(step_jacobian(net, trace, 0)[0, 0] / 1.6993417021166355e-17 - 1) < ENTRY  # 1 - tanh(20)^2
    assert step_jacobian(net, trace, 2)[0, 0] == 0  # e^-2000


@every_cell
@every_dtype
@pytest.mark.parametrize("H", [1, 2])
def test_all_exponents(cell, dtype, H):
    with mp.workprec(MANY_BITS):
        for W, seed in product(("dense", "diagonal"), range(3)):
            net, trace = driven(cell, dtype, SIZES[cell], H=H, W=W, seed=seed)
            factors, S = factors_of(net, trace), H * (2 if cell == "lstm" else 1)
            for n in {1, S}:
                Q = np.linalg.qr(streams(0).evaluation.standard_normal((S, n)))[0]
                expected = np.diff(log_volumes(factors, exact(Q)), prepend=0) / len(trace.x)
                found = lyapunov_exponents(net, trace, n=n)
                assert_close(found.sum(), expected.sum(), EXPONENTS)
                if W == "dense" or cell != "lstm":  # else c_t may depend on h_{t-1} but for what rounding loses
                    assert_close(found, np.sort(expected)[::-1], EXPONENTS)


@every_cell
@every_dtype
@pytest.mark.parametrize("H", [1, 2])
def test_products_and_their_singular_values(cell, dtype, H):
    """The elementary symmetric polynomials of their squares are sums of squares of minors."""
    with mp.workprec(MANY_BITS):
        for net, trace in cases(cell, dtype, SIZES[cell], H=H):
            factors = factors_of(net, trace)
            found, S = jacobian_product(net, trace, 0, len(trace.x) - 1), len(factors[0])
            logs = found.log_singular_values
            for k in range(1, S + 1):
                P = minors(exact(np.eye(S)), k)
                for J in factors:
                    P = minors(J, k) @ P
                squares = logsumexp([2 * sum(chosen) for chosen in combinations(logs, k)])
                assert_close(squares, 2 * log_norm(P.ravel()), EXPONENTS)
                if k == 1:
                    expected = (P * mp.exp(-mp.mpf(found.log_scale))).astype(float)
                    np.testing.assert_allclose(found.matrix, expected, rtol=0, atol=ENTRY)
                    assert_close(found.log_scale, log_norm(P.ravel()))


@every_dtype
@pytest.mark.parametrize(("cell", "size"), [("tanh", 1e4), ("tanh", -1e4), ("sigmoid", 1e5), ("sigmoid", -1e5)])
def test_one_unit_far_beyond_any_float(cell, size, dtype):
    """Each step is ln |w| + ln phi'(a)."""
    net = rnnkit.RNN(1, 1, cell=cell, dtype=dtype)
    net.parameters["l0.W_xh"][:], net.parameters["l0.W_hh"][:] = 1, -0.5
    trace = net.forward(np.full((3, 1, 1), size, dtype))
    with mp.workprec(BITS):
        logs = np.array([log(jacobian(net, trace, t)[0, 0]) for t in range(3)])
    assert_close(lyapunov_exponents(net, trace), logs.mean(keepdims=True))
    found = jacobian_product(net, trace, 0, 2)
    assert_close([found.log_scale, *found.log_singular_values], [logs.sum()] * 2)
    assert abs(abs(found.matrix[0, 0]) - 1) < ROUNDING
    assert step_jacobian(net, trace, 1)[0, 0] == 0


@every_dtype
@pytest.mark.parametrize("gates", [(1e5, -1e5, 1e5, -1e5), (-1e5, -1e5, 3, 1e5), (1e5, 1e5, 1e4, -1e5)])
def test_one_unit_of_an_lstm_far_beyond_any_float(gates, dtype):
    """det J = f tanh(c) o (1 - o) W_o, whatever else is in it."""
    net = rnnkit.RNN(4, 1, cell="lstm", dtype=dtype)
    net.parameters["l0.W_xh"][:], net.parameters["l0.W_hh"][:] = np.eye(4), 0.5
    trace = net.forward(np.array([[[30.0, 2, 1, 1]], [gates], [gates]], dtype))
    with mp.workprec(BITS):
        log_det = 0
        for t in range(3):
            i, f, g, o = (mp.mpf(float(x)) + mp.mpf(float(trace.layers[0].h[t, 0, 0])) / 2 for x in trace.x[t, 0])
            sigmoid = lambda a: 1 / (1 + mp.exp(-a))  # noqa: E731
            c = sigmoid(f) * mp.mpf(float(trace.layers[0].inside[0][0][0, t, 0, 0])) + sigmoid(i) * mp.tanh(g)
            log_det += log(sigmoid(f) * mp.tanh(c) * sigmoid(o) * sigmoid(-o) / 2)
    assert_close(lyapunov_exponents(net, trace).sum() * 3, log_det)
    assert_close(jacobian_product(net, trace, 0, 2).log_singular_values.sum(), log_det)
