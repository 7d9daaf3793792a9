"""One step of a layer in mpmath, from the inputs and states that a run holds: for the tests of saturated units."""

from itertools import combinations

import mpmath as mp
import numpy as np

SATURATED = {"tanh": (9.5, 20.0, 100.0, 1e4), "sigmoid": (20.0, 200.0, 1e5)}
BITS = 300  # sums of few terms; numbers may have any exponent
MANY_BITS = 3000  # determinants: of terms e^1000 apart the smaller one counts


def exact(array):
    return np.vectorize(mp.mpf, otypes=[object])(np.asarray(array, np.float64))


def sigmoid(a):
    return 1 / (1 + mp.exp(-a))


def slope(a, activation):
    return mp.sech(a) ** 2 if activation == "tanh" else sigmoid(a) * sigmoid(-a)


def log(a):
    return float(mp.log(abs(a))) if a else -np.inf


def log_norm(vector):
    return log(mp.sqrt(sum(v * v for v in vector)))


def gates(net, run, t, b=0):
    """Return the shares of x_t (with the bias) and h_{t-1} in the pre-activations of layer 0, by gates, and h_{t-1}."""
    W_xh, W_hh, b_h = (exact(net.parameters[f"l0.{name}"]) for name in ("W_xh", "W_hh", "b_h"))
    h, H = exact(run.layers[0].h[t, b]), net.hidden_size
    of_x, of_h = exact(run.x[t, b]) @ W_xh, h @ W_hh
    if net.cell.name == "gru":
        of_x, of_h = of_x + b_h[: 3 * H], np.append(of_h[: 2 * H], of_h[2 * H :] + b_h[3 * H :])
    else:
        of_x = of_x + b_h
    return of_x.reshape(-1, H), of_h.reshape(-1, H), h, W_hh.T.reshape(-1, H, H)


def jacobian(net, run, t, b=0):
    """Return d (h_t, c_t) / d (h_{t-1}, c_{t-1}) of layer 0, of other cells than an LSTM without c, as objects."""
    of_x, of_h, h, W = gates(net, run, t, b)
    S = np.vectorize(sigmoid, otypes=[object])
    tanh, sech2 = (np.vectorize(f, otypes=[object]) for f in (mp.tanh, lambda a: mp.sech(a) ** 2))
    if net.cell.name == "lstm":
        a_i, a_f, a_g, a_o = of_x + of_h
        c_prev = exact(run.layers[0].inside[0][0][0, t, b])
        c = S(a_f) * c_prev + S(a_i) * tanh(a_g)
        k = tanh(a_g) * S(a_i) * S(-a_i), c_prev * S(a_f) * S(-a_f), S(a_i) * sech2(a_g)
        dc = sum(part[:, None] * block for part, block in zip(k, W[:3], strict=True))
        p, f = S(a_o) * sech2(c), S(a_f)
        dh = p[:, None] * dc + (tanh(c) * S(a_o) * S(-a_o))[:, None] * W[3]
        return np.block([[dh, exact(np.eye(len(h))) * (p * f)], [dc, exact(np.eye(len(h))) * f]])
    if net.cell.name == "gru":
        (x_r, x_z, x_n), (h_r, h_z, q) = of_x, of_h
        r, a_z = S(x_r + h_r), x_z + h_z
        n = x_n + r * q
        k_n = S(-a_z) * sech2(n)
        k = k_n * q * r * S(-x_r - h_r), (h - tanh(n)) * S(a_z) * S(-a_z), k_n * r
        return sum(part[:, None] * block for part, block in zip(k, W, strict=True)) + exact(np.eye(len(h))) * S(a_z)
    return np.vectorize(lambda a: slope(a, net.cell.name), otypes=[object])((of_x + of_h)[0])[:, None] * W[0]


def minors(A, k):
    """Return the matrix of all minors of k rows and k columns: that of a product is the product of those."""
    rows, columns = (list(combinations(range(n), k)) for n in A.shape)
    return np.array([[_determinant(A[np.ix_(i, j)]) for j in columns] for i in rows], dtype=object)


def _determinant(A):
    if len(A) == 1:
        return A[0, 0]
    rest = [np.delete(A[1:], j, axis=1) for j in range(len(A))]
    return sum((-1) ** j * A[0, j] * _determinant(rest[j]) for j in range(len(A)))


def log_volumes(factors, Q):
    """Return ln of the volume that the first k columns of Q span after all factors, k = 1 .. n."""
    found = []
    for k in range(1, Q.shape[1] + 1):
        v = minors(Q, k)[:, 0]
        for J in factors:
            v = minors(J, k) @ v
        found.append(log_norm(v))
    return np.array(found)
