r"""
Can a weight's gradient explode where no state's does?
======================================================

A net that neither lets its gradients fade nor explode seems to be what one wants. But what does the gradient of its
weights do, the nearer its memory comes to lasting for ever?

Take one linear unit, :math:`h_t = \lambda h_{t-1} + x_t`, with white noise of variance 1. The gradient of a state
:math:`k` steps back is :math:`\lambda^k < 1`. For the state and for its derivative by the weight

.. math::

   \mathrm{E}\,h^2 = \frac{1}{1-\lambda^2}, \qquad
   \mathrm{E}\Bigl(\frac{\mathrm{d} h}{\mathrm{d}\lambda}\Bigr)^2 = \frac{1+\lambda^2}{(1-\lambda^2)^3},

which grows as :math:`(1-\lambda)^{-3}`: each step adds a small part, and all steps remember (Zucchet and Orvieto 2024,
"the curse of memory").
"""

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit import theory
from rnnkit.gradients.scaled_backward import backward_scaled, log_norms_by_sample
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim

# %%
# The claims, before there is data.
SOURCE = "Zucchet, Orvieto 2024"
SENSITIVITY = Claim(
    claim="G8b",
    class_="theory",
    kind="equal",
    statement="lambda = {lam:g}: mean square of BPTT's dh/dlambda over closed form",
    source=SOURCE,
    bar=1.0,
    margin=0.1,
    reason="a mean square of 4,000 sequences has a standard error of .022: four of these",
)
BOUNDED = Claim(
    claim="G8c",
    class_="check",
    kind="below",
    statement="lambda = {lam:g}: largest gradient of a state, 1 to {steps} steps back",
    source=SOURCE,
    bar=1.0,
    reason="it is lambda^k",
)

# %%
# The unit runs for 10 / (1 - lambda) steps on 4,000 sequences at once. BPTT of the loss :math:`h_T` gives
# :math:`\mathrm{d} h_T / \mathrm{d} \lambda`, of each sequence its own.
LAMBDAS, N = np.array([0.5, 0.8, 0.9, 0.95, 0.98, 0.99]), 4000


def run(lam):
    """Return (h^2, (dh/dlambda)^2) of each sequence, and ln of the gradients of the states by lag."""
    steps = round(10 / (1 - lam))
    unit = rnnkit.RNN(1, 1, cell="identity", initializer=np.array([[lam]]), dtype="float64")
    unit.parameters["l0.W_xh"][:] = 1
    trace, one = unit.forward(streams(0).data.standard_normal((steps, N, 1))), unit.initial_state(N)
    one.h[:] = 1
    squares = trace.state.h.ravel() ** 2, np.exp(2 * log_norms_by_sample(unit, trace, one))
    return squares, backward_scaled(unit, trace, one).log_norms["l0"].h[::-1, 0]


runs = [run(lam) for lam in LAMBDAS]

# %%
plt.style.use("petroff10")
figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
remembered, line = 1 / (1 - LAMBDAS), np.linspace(0.4, 0.993, 200)
for i, (closed, colour, words) in enumerate(
    ((theory.memory_variance, "C0", "state: h"), (theory.memory_sensitivity, "C2", "weight: dh/dλ, by BPTT"))
):
    mean = np.array([squares[i].mean() for squares, _ in runs])
    se = np.array([squares[i].std(ddof=1) for squares, _ in runs]) / np.sqrt(N)
    axes.plot(1 / (1 - line), np.sqrt(closed(line)), colour)
    bars = 2 * se / (2 * np.sqrt(mean))
    axes.errorbar(remembered, np.sqrt(mean), bars, fmt="o", color=colour, capsize=3, label=f"{words}, root mean square")
largest = [np.exp(log_norms[1:].max()) for _, log_norms in runs]
axes.plot(remembered, largest, "ks", ms=5, label="largest gradient of a state, 1 step back or more")
axes.set(xlabel="1 / (1 - λ), the steps that the unit remembers", xscale="log", yscale="log", ylabel="size")
axes.set_title(f"points: n = {N:,} sequences, bars (below the points' size): 2 se; lines: theory", fontsize=10)
axes.legend()
plt.show()

# %%
for lam, (squares, log_norms) in zip(LAMBDAS[[0, 2, 4]], np.array(runs, object)[[0, 2, 4]], strict=True):
    ratio = squares[1] / theory.memory_sensitivity(lam)
    print(SENSITIVITY.judge(ratio.mean(), ratio.std(ddof=1) / np.sqrt(N), N, lam=lam))
    print(BOUNDED.judge(np.exp(log_norms[1:].max()), 0.0, 1, lam=lam, steps=len(log_norms) - 1))
