r"""
One matrix again and again, or a fresh one at each step?
========================================================

Theories of gradients often multiply independent random matrices, a fresh one each step, where a recurrent net uses one
:math:`W` again and again. Do both products grow alike?

For a product of independent Gaussian matrices of gain :math:`g` and :math:`H` units the log norm is a random walk
(Newman 1986); for one matrix it is set by its own spectral radius :math:`\rho` (Gelfand):

.. math::

   \text{fresh:}\quad \ln\|\delta_k\| \approx k \lambda \pm \sqrt{k\,\psi_1(H/2)/4}, \quad
   \lambda = \ln g + \tfrac{1}{2}\bigl(\ln 2 + \psi(H/2) - \ln H\bigr),

.. math::

   \text{tied:}\quad \tfrac{1}{k} \ln\|\delta_k\| \to \ln \rho(W).
"""

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit import theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.initializers import recurrent_weights, spectral_radius
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim

# %%
# Two claims, before there is data. That the first fails for tied products is the point of the picture.
NEWMAN = Claim(
    claim="G4",
    class_="theory",
    kind="equal",
    statement="fresh W: growth a step = Newman's",
    source="Newman 1986",
    margin=0.004,
    reason="a step varies by .1, the mean of 64 products of 200 steps by .0009: four of these",
)
TIED = Claim(
    claim="G4",
    class_="theory",
    kind="equal",
    statement="tied W: growth a step less ln rho of that very matrix, mean over nets",
    source="Gelfand: |W^k|^(1/k) tends to rho",
    bar=0.0,
    margin=0.004,
    reason="the same margin; what is left at lag 400 of the direction that the gradient began in is below .002",
)

# %%
# Both products start from a random direction. The tied one is BPTT through a linear net; the other is a loop.
H, T, NETS, GAIN = 50, 400, 64, 1.0


def products(replicate):
    """Return ln of the norms (T + 1,) of a fresh and of a tied product, and ln rho of the tied W."""
    rng = streams(0, replicate)
    W, start = recurrent_weights("gaussian", H, rng.init, gain=GAIN), rng.evaluation.standard_normal(H)
    net = rnnkit.RNN(1, H, cell="identity", initializer=W, dtype="float64")
    last = net.initial_state(1)
    last.h[:] = delta = start / np.linalg.norm(start)
    tied = backward_scaled(net, net.forward(np.zeros((T, 1, 1))), last).log_norms["l0"].h[::-1, 0]
    fresh = np.zeros(T + 1)
    for k in range(1, T + 1):
        delta = delta @ recurrent_weights("gaussian", H, rng.data, gain=GAIN)
        fresh[k] = fresh[k - 1] + np.log(norm := np.linalg.norm(delta))
        delta /= norm
    return fresh, tied, np.log(spectral_radius(W))


fresh, tied, log_radius = map(np.array, zip(*map(products, range(NETS)), strict=True))
of_fresh, of_tied = ((logs[:, T] - logs[:, T // 2]) / (T // 2) for logs in (fresh, tied))

# %%
plt.style.use("petroff10")
lag, shown = np.arange(T + 1), 20
rate, variance = theory.independent_product_exponents(GAIN, H)[0], theory.independent_product_variances(H)[0]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.plot(lag, tied[:shown].T, "C1", lw=0.9, label=["one W, again and again"] + [None] * (shown - 1))
left.plot(lag, fresh[:shown].T, "C0", lw=0.9, label=["a fresh W each step"] + [None] * (shown - 1))
left.plot(lag, lag * rate, "k", label="Newman, ± 2 sd")
for side in (-2, 2):
    left.plot(lag, lag * rate + side * np.sqrt(lag * variance), "k--", lw=1)
left.set(xlabel="factors k", ylabel="ln |δ|, nats", title=f"{H} units, gain {GAIN:g}, {shown} products of each")
ends = np.array([log_radius.min(), log_radius.max()])
right.plot(ends, ends, "k", label="ln ρ(W)")
right.axhline(rate, color="k", ls="--", label="Newman")
right.plot(log_radius, of_tied, "C1o", ms=5, label="one W")
right.plot(log_radius, of_fresh, "C0s", ms=4, label="fresh W, beside it")
right.set(xlabel="ln ρ of the first W", ylabel=f"growth a step, lags {T // 2} to {T}", title=f"n = {NETS} of each")
for axes in (left, right):
    axes.legend()
plt.show()

# %%
se = of_fresh.std(ddof=1) / np.sqrt(NETS), (of_tied - log_radius).std(ddof=1) / np.sqrt(NETS)
print(NEWMAN.judge(of_fresh.mean(), se[0], NETS, bar=rate))
print(TIED.judge((of_tied - log_radius).mean(), se[1], NETS))
