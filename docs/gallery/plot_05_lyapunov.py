r"""
Is the slope of the gradient the largest Lyapunov exponent?
===========================================================

A gradient goes back through the same Jacobians that carry a small change of the state forward. So its growth should be
the net's largest Lyapunov exponent; what do all the others say?

.. math::

   J_t = \frac{\partial h_t}{\partial h_{t-1}}, \qquad
   \lambda_i = \lim_{T \to \infty} \frac{1}{T} \ln \sigma_i\bigl(J_T \cdots J_1\bigr),

.. math::

   \frac{1}{k} \ln \frac{\|\partial L/\partial h_{T-k}\|}{\|\partial L/\partial h_T\|} \to \lambda_1 .

The exponents come from a QR decomposition at each step forward (Benettin and others 1980), the slope from BPTT: two
programs that share no line. Mikhaeil, Monfared and Durstewitz (2022) draw the consequence: a net that is stable loses
its gradients, a chaotic one lets them explode.
"""

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit import theory
from rnnkit.gradients.lyapunov import kaplan_yorke_dimension, lyapunov_exponents
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.initializers import achieved
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim

# %%
# The claim, before there is data.
SAME = Claim(
    claim="G5a",
    class_="theory",
    kind="equal",
    statement="slope of the gradient less the largest exponent, nats a step, mean over {nets} nets",
    source="Mikhaeil, Monfared, Durstewitz 2022, theorem 2; Benettin et al. 1980",
    bar=0.0,
    margin=0.01,
    reason="both err at their ends by about a nat over 200 steps; their mean over the nets by less",
)

# %%
# Driven tanh nets of five gains, four of each. Of each net all exponents over 200 steps, and the slope of the gradient
# back through the same steps.
H, T, BURN_IN, GAINS, NETS = 64, 200, 50, (1.0, 1.5, 2.0, 3.0, 4.0), 4


def slope_and_exponents(job):
    rng, gain = streams(0, job), GAINS[job // NETS]
    net = rnnkit.RNN(H, H, cell="tanh", initializer="gaussian", gain=gain, dtype="float64", seed=rng.init)
    net.parameters["l0.W_xh"][:] = np.eye(H)
    trace, last = net.forward(rng.data.standard_normal((T + BURN_IN, 1, H))), net.initial_state(1)
    last.h[:] = rng.evaluation.standard_normal(H)
    log_norms = backward_scaled(net, trace, last).log_norms["l0"].h[:, 0]  # (T + BURN_IN + 1,), by time
    slope = (log_norms[BURN_IN] - log_norms[-20]) / (len(log_norms) - 20 - BURN_IN)
    limit = theory.growth_rate(achieved(net.parameters["l0.W_hh"]).gain, 1.0, H)
    return slope, float(limit), lyapunov_exponents(net, trace, burn_in=BURN_IN)


slopes, limits, spectra = map(np.array, zip(*map_replicates(slope_and_exponents, len(GAINS) * NETS), strict=True))

# %%
# Left slope against exponent, right the whole spectra. A net with exponents above 0 is chaotic; its attractor has the
# dimension of Kaplan and Yorke (1979), a small part of the units.
plt.style.use("petroff10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
rank, ends = (np.arange(H) + 0.5) / H, [spectra[:, 0].min(), spectra[:, 0].max()]
left.plot(ends, ends, "k", lw=1, label="equal")
for i, gain in enumerate(GAINS):
    own = slice(i * NETS, (i + 1) * NETS)
    left.plot(spectra[own, 0], slopes[own], f"C{i}o", label=f"g = {gain:g}")
    mean, dimension = spectra[own].mean(axis=0), np.mean([kaplan_yorke_dimension(found) for found in spectra[own]])
    right.plot(rank, mean, f"C{i}", label=f"g = {gain:g}: dimension {dimension:.1f}")
    right.fill_between(rank, spectra[own].min(axis=0), spectra[own].max(axis=0), color=f"C{i}", alpha=0.2)
left.plot(spectra[:, 0], limits, "kx", label="mean field, at each net's gain")
left.set(xlabel="largest Lyapunov exponent, nats a step", ylabel="slope of the gradient, nats a step back")
left.set_title(f"{H} units, one net a point, n = {len(slopes)}", fontsize=10)
left.legend(fontsize=9)
right.axhline(0, color="0.6", lw=0.8, zorder=0)
right.set(xlabel="rank / H", ylabel="Lyapunov exponent, nats a step", ylim=(-8, 0.8))
right.set_title(f"all exponents: mean and range of {NETS} nets", fontsize=10)
right.legend(fontsize=8, loc="lower left")
plt.show()

# %%
apart = slopes - spectra[:, 0]
print(SAME.judge(apart.mean(), apart.std(ddof=1) / np.sqrt(len(apart)), len(apart), nets=len(apart)))
