r"""
Is a spectral radius above 1 enough to explode?
===============================================

Textbooks say that gradients explode once the largest eigenvalue of the recurrent weights exceeds 1. That is the case of
a net at rest: where does the border lie for a net that listens to an input?

A tanh net with Gaussian weights of gain :math:`g`, the standard deviation of an entry times :math:`\sqrt{H}`, has a
spectral radius near :math:`g`. Driven by noise of variance :math:`\sigma^2` in each unit it has

.. math::

   \lambda = \tfrac{1}{2} \ln \chi(g, \sigma^2), \qquad \chi = g^2 \, \mathrm{E}\bigl[\tanh'(\sqrt{q} z)^2\bigr],

and gradients explode beyond the line :math:`\chi = 1`. The input saturates the units, and saturated units pass less of
a gradient on: the stronger the input, the further the line moves away from a radius of 1 (Molgedey, Schuchhardt and
Schuster 1992; Chen, Pennington and Schoenholz 2018, eq. 3).
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit import statistics, theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.initializers import spectral_radius
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim

# %%
# The claim, before there is data: a counterexample in every single net, not on average.
COUNTEREXAMPLE = Claim(
    claim="G2",
    class_="theory",
    kind="equal",
    statement="nets at {share:g} of the critical gain {critical:.2f} without a radius > 1 and a gradient that fades",
    source="chi = 1: Molgedey, Schuchhardt, Schuster 1992; Chen, Pennington, Schoenholz 2018, eq. 3",
    bar=0.0,
    margin=0.0,
    reason="a count of exceptions to a sentence about every net",
)
SHARE, STRONG, NETS = 0.85, 1.0, 20

# %%
# One function measures a net: its spectral radius, and the growth of its gradient over lags 20 to 150.
H, B, T = 100, 4, 200


def radius_and_growth(gain, drive_variance, replicate):
    rng = streams(1, replicate)
    net = rnnkit.RNN(H, H, cell="tanh", initializer="gaussian", gain=gain, dtype="float64", seed=rng.init)
    net.parameters["l0.W_xh"][:] = np.sqrt(drive_variance) * np.eye(H)
    trace, last = net.forward(rng.data.standard_normal((T, B, H))), net.initial_state(B)
    last.h[:] = rng.evaluation.standard_normal(H)
    log_norms = backward_scaled(net, trace, last).log_norms["l0"].h[::-1]
    return spectral_radius(net.parameters["l0.W_hh"]), statistics.growth_rates(log_norms[:151]).mean()


critical = theory.critical_gain(STRONG)
nets = np.array(map_replicates(partial(radius_and_growth, SHARE * critical, STRONG), NETS))
grid = np.array([(g, s2) for g in np.linspace(0.5, 3, 6) for s2 in np.geomspace(0.015, 2.7, 5)])
circles = np.array(map_replicates(lambda i: radius_and_growth(*grid[i], i), len(grid)))

# %%
# The phase diagram: theory as colour, one net a circle with its own radius and the colour of its own growth. Between
# the two lines a radius above 1 does not explode.
plt.style.use("petroff10")
gain, drive = np.linspace(0.3, 3.2, 40), np.geomspace(0.01, 4, 25)
rate = np.array([theory.growth_rate(gain, s2, H) for s2 in drive])
figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
shades = {"cmap": "RdBu_r", "vmin": -0.5, "vmax": 0.5}
image = axes.pcolormesh(gain, drive, rate, shading="gouraud", rasterized=True, **shades)
axes.plot([theory.critical_gain(s2) for s2 in drive], drive, "k", lw=2, label="χ = 1: the critical gain")
axes.axvline(1, color="k", ls="--", label="spectral radius 1")
axes.scatter(circles[:, 0], grid[:, 1], c=circles[:, 1], s=90, edgecolors="k", **shades)
axes.scatter(
    nets[:, 0], np.full(NETS, STRONG), c=nets[:, 1], s=20, edgecolors="C1", lw=1, label="judged nets", **shades
)
axes.set(xlabel="gain g (theory), spectral radius of W_hh (nets)", ylabel="variance of the input σ²", yscale="log")
axes.set_title(f"circles: one net each, {H} units", fontsize=10)
figure.colorbar(image, label="growth of the gradient, nats a step back", extend="both")
figure.legend(loc="outside lower center", ncols=3)
plt.show()

# %%
# The verdict.
exceptions = np.sum(~((nets[:, 0] > 1) & (nets[:, 1] < 0)))
print(
    f"radii {nets[:, 0].min():.2f} to {nets[:, 0].max():.2f}, growth {nets[:, 1].min():.3f} to {nets[:, 1].max():.3f}"
)
print(COUNTEREXAMPLE.judge(exceptions, 0.0, NETS, share=SHARE, critical=critical))
