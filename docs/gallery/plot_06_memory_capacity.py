r"""
How much of its past does a linear net remember?
================================================

Every unit of a linear net mixes all of its past inputs. Does it matter how its weights are arranged, or only how many
units there are?

The net is :math:`h_t = h_{t-1} W + s_t v` with white noise :math:`s_t`. Its capacity at lag :math:`k` is the share of
the variance of :math:`s_{t-k}` that the best linear readout of :math:`h_t` explains, and over all lags

.. math::

   m(k) = \max_u \, \mathrm{corr}^2\bigl(u \cdot h_t,\; s_{t-k}\bigr), \qquad \sum_{k=0}^{\infty} m(k) = H,

whatever :math:`W` is, up to exceptions of measure zero (Jaeger 2001; Gonon, Grigoryeva and Ortega 2020). The weights
decide alone how the :math:`H` is spread over the lags.
"""

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit.gradients.linear_memory import memory_capacity
from rnnkit.initializers import recurrent_weights
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim

# %%
# The claim, before there is data.
SUM = Claim(
    claim="L2b",
    class_="theory",
    kind="equal",
    statement="capacity over all lags in units of H, simulated: {name}",
    source="Jaeger 2001; Gonon, Grigoryeva, Ortega 2020",
    bar=1.0,
    margin=0.03,
    reason="of 10,000 samples a sum errs by some sqrt(2 lags H) / samples, .01: three of these",
)

# %%
# Four nets of each kind are run on 10,000 samples; a least-squares readout (a QR decomposition of the states) tells the
# capacity of each lag. It is corrected for its own H coefficients, which explain H / n of anything.
H, RADIUS, LAGS, SAMPLES, NETS = 20, 0.95, 200, 10_000, 4
DELAY_LINE = RADIUS * np.eye(H, k=1)


def weights(kind, rng):
    """Return W and v."""
    if kind == "delay line":
        return DELAY_LINE, np.eye(H)[0]
    return recurrent_weights(kind, H, rng, radius=RADIUS), rng.standard_normal(H)


def simulated(kind, replicate):
    rng = streams(0, replicate)
    W, v = weights(kind, rng.init)
    net = rnnkit.RNN(1, H, cell="identity", initializer=W, dtype="float64")
    net.parameters["l0.W_xh"][:] = v
    s = rng.data.standard_normal(SAMPLES + LAGS)
    Q = np.linalg.qr(net.forward(s[:, None, None]).h[LAGS:, 0])[0]
    past = np.stack([s[LAGS - k : LAGS - k + SAMPLES] for k in range(LAGS + 1)])
    explained = ((past @ Q) ** 2).sum(axis=1) / (past**2).sum(axis=1)
    return memory_capacity(W, LAGS), (explained - H / SAMPLES) / (1 - H / SAMPLES)


found = {kind: np.array([simulated(kind, i) for i in range(NETS)]) for kind in ("orthogonal", "gaussian", "delay line")}

# %%
plt.style.use("petroff10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
lag = np.arange(LAGS + 1)
for i, (kind, nets) in enumerate(found.items()):
    exact, measured = nets[0]
    left.plot(lag, exact, f"C{i}", label=f"{kind} W")
    left.plot(lag, measured, f"C{i}o", ms=4)
    right.plot(lag, np.cumsum(exact), f"C{i}", label=f"{kind} W")
    right.plot(lag[::5], np.cumsum(measured)[::5], f"C{i}o", ms=4)
right.axhline(H, color="k", ls="--", label="H")
left.set(xlabel="lag k, steps", ylabel="capacity m(k)", xlim=(-1, 80))
left.set_title(f"one net of each: {H} units, radius {RADIUS:g}", fontsize=10)
right.set(xlabel="lag k, steps", ylabel="sum of m up to lag k", xlim=(-1, 150), ylim=(0, H + 2))
right.set_title(f"lines: exact; points: readout of {SAMPLES:,} samples", fontsize=10)
right.legend(loc="lower right")
plt.show()

# %%
for kind, nets in found.items():
    sums = nets[:, 1].sum(axis=1) / H
    print(SUM.judge(sums.mean(), sums.std(ddof=1) / np.sqrt(NETS), NETS, name=f"{kind} W"))
