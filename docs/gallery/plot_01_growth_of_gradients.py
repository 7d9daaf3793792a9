r"""
Do gradients fade at the rate that theory predicts?
===================================================

A gradient that goes back through a recurrent net is multiplied by one Jacobian a step. Can the rate at which it fades
or explodes be told from two numbers, the gain of the weights and the strength of the input, without running the net?

The net has :math:`H` tanh units and its input is noise, :math:`h_t = \tanh(h_{t-1} W + \xi_t)` with
:math:`\xi_t \sim N(0, \sigma^2)`; :math:`W` is orthogonal times a gain :math:`g`. Mean-field theory says

.. math::

   \frac{1}{k} \ln \frac{\|\partial L / \partial h_{T-k}\|}{\|\partial L / \partial h_T\|} \;\to\;
   \lambda = \tfrac{1}{2} \ln \chi + \frac{c}{H},

.. math::

   \chi = g^2 \, \mathrm{E} \bigl[\tanh'(\sqrt{q} z)^2\bigr], \qquad
   q = g^2 \, \mathrm{E} \bigl[\tanh(\sqrt{q} z)^2\bigr] + \sigma^2, \qquad z \sim N(0, 1).

The first term is in print (Molgedey, Schuchhardt and Schuster 1992; Chen, Pennington and Schoenholz 2018); the second,
for finite nets, is derived in this project's notes.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit import statistics, theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim

# %%
# The claim, before there is data. The margin is so narrow that the first term alone would not do.
AGREES = Claim(
    claim="G1",
    class_="theory",
    kind="equal",
    statement="growth of the gradient = theory, nats a step, gain {gain:g} (without c/H: {leading:.4f})",
    source="Molgedey, Schuchhardt, Schuster 1992; Chen, Pennington, Schoenholz 2018; c/H: docs/finite_size.md",
    margin=0.003,
    reason="two standard errors of 16 nets are .0018, and .0007 is left for the next order in 1/H",
)

# %%
# Each net is driven for 220 steps. The loss is a random direction in the last state; ``backward_scaled`` carries its
# gradient back as a logarithm, so that nothing underflows. The slope is taken from lag 20 to lag 200.
H, B, T, NETS = 100, 8, 220, 16


def growth(gain, drive_variance, replicate):
    rng = streams(0, replicate)
    net = rnnkit.RNN(H, H, cell="tanh", initializer="orthogonal", gain=gain, dtype="float64", seed=rng.init)
    net.parameters["l0.W_xh"][:] = np.sqrt(drive_variance) * np.eye(H)
    trace, last = net.forward(rng.data.standard_normal((T, B, H))), net.initial_state(B)
    last.h[:] = rng.evaluation.standard_normal(H)
    log_norms = backward_scaled(net, trace, last).log_norms["l0"].h[::-1]  # (T + 1, B), by lag
    return statistics.growth_rates(log_norms[:201]).mean()


gains, drives = np.array([0.5, 1, 1.5, 2, 2.5]), (0.1, 1.0)
rates = {s2: np.array([map_replicates(partial(growth, g, s2), NETS) for g in gains]) for s2 in drives}

# %%
# Left the rates on the theory. Right what is left of them without the first term, times :math:`H`: the second one.
plt.style.use("petroff10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
line = np.linspace(0.4, 2.6, 100)
for i, (s2, measured) in enumerate(rates.items()):
    mean, se = measured.mean(axis=1), measured.std(axis=1, ddof=1) / np.sqrt(NETS)
    style = {"fmt": "o", "ms": 5, "color": f"C{2 * i}", "capsize": 3, "label": f"measured, $\\sigma^2$ = {s2:g}"}
    left.plot(line, theory.growth_rate(line, s2, H, "orthogonal"), color=f"C{2 * i}")
    left.errorbar(gains, mean, 2 * se, **style)
    right.plot(
        line, H * (theory.growth_rate(line, s2, H, "orthogonal") - np.log(theory.chi(line, s2)) / 2), f"C{2 * i}"
    )
    right.errorbar(gains, H * (mean - np.log(theory.chi(gains, s2)) / 2), 2 * H * se, **style)
for axes in (left, right):
    axes.axhline(0, color="0.6", lw=0.8, zorder=0)
left.set(xlabel="gain g", ylabel="growth of ln |dL/dh|, nats a step back", title="lines: theory")
right.set(xlabel="gain g", ylabel="H (growth - ½ ln χ), nats", title="what is left: c, the term in 1/H")
left.legend(title=f"{H} units, n = {NETS} nets, bars: 2 se")
plt.show()

# %%
# The verdict, at the strong drive.
for gain, of_nets in zip(gains, rates[1.0], strict=True):
    se, leading = of_nets.std(ddof=1) / np.sqrt(NETS), float(np.log(theory.chi(gain, 1.0)) / 2)
    bar = float(theory.growth_rate(gain, 1.0, H, "orthogonal"))
    print(AGREES.judge(of_nets.mean(), se, NETS, bar=bar, gain=gain, leading=leading))
