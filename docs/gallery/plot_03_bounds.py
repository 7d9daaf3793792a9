r"""
What bounds a gradient: the radius or the largest singular value?
=================================================================

A spectral radius below 1 makes a linear net forget in the end. But does it keep a gradient from growing on its way, and
does a largest singular value above 1 let it explode?

One step back multiplies by :math:`D_t W^\top`, :math:`D_t` the derivatives :math:`\phi' \le \gamma` of the units
(:math:`\gamma = 1` for tanh), so that for every step (Pascanu, Mikolov and Bengio 2013, section 2.1)

.. math::

   \ln \frac{\|\partial L / \partial h_{t-1}\|}{\|\partial L / \partial h_t\|} \le \ln(\gamma\, \sigma_{\max}).

Below 0 every gradient fades; above 0 it may explode, and need not. The spectral radius :math:`\rho` bounds no step
unless :math:`W` is normal: :math:`\|W^k\|^{1/k} \to \rho` says nothing about small :math:`k`.
"""

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit import theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.initializers import achieved
from rnnkit.networks import recipes
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim

# %%
# Three claims, before there is data.
SOURCE = "Pascanu, Mikolov, Bengio 2013, section 2.1"
BOUND = Claim(
    claim="G3a",
    class_="check",
    kind="below",
    statement="smart tanh: largest one-step growth less ln(sigma_max), over all steps, samples and nets",
    source=SOURCE,
    bar=1e-12,
    reason="a theorem; rounding of sums of 50 products",
)
FADES = Claim(
    claim="G3b",
    class_="direction",
    kind="below",
    statement="smart tanh, sigma_max {sigma:.2f} on average: growth of the gradient, nats a step",
    source=f"{SOURCE}: sigma_max > 1 is necessary to explode, not sufficient",
    bar=-0.02,
    reason="a factor e within 50 steps",
)
TRANSIENT = Claim(
    claim="G3c",
    class_="check",
    kind="above",
    statement="linear net of radius {radius:g}: largest ln of the gradient over all lags",
    source="a common misreading of section 2.1, that a radius below 1 keeps every gradient small",
    bar=0.5,
    reason="growth by more than half is no rounding",
)


def by_lag(net, x, direction):
    """Return ln of the gradient k steps back (T + 1, B), for the loss h_T times `direction`."""
    trace, last = net.forward(x), net.initial_state(x.shape[1])
    last.h[:] = direction / np.linalg.norm(direction)
    return backward_scaled(net, trace, last).log_norms["l0"].h[::-1]


# %%
# A linear net whose W is far from normal: radius .8, but each unit hands twice as much to its neighbour.
H, T = 10, 250
W = 0.8 * (np.eye(H) + 2 * np.eye(H, k=1))
shear = rnnkit.RNN(1, H, cell="identity", initializer=W, dtype="float64")
transient = by_lag(shear, np.zeros((T, 1, 1)), np.ones(H))[:, 0]

# %%
# "Smart tanh" of the same paper: 50 units, 15 inputs to each, radius .95 exactly, driven by noise of variance .1.
NETS = 16
nets = [recipes.make("smart_tanh", 50, 50, 1, streams(0, i).init, dtype="float64") for i in range(NETS)]
sigma_max = np.array([achieved(net.parameters["l0.W_hh"]).sigma_max for net in nets])
paths = []
for i, net in enumerate(nets):
    net.parameters["l0.W_xh"][:] = np.sqrt(0.1) * np.eye(50)
    paths.append(by_lag(net, streams(0, i).data.standard_normal((T, 8, 50)), streams(0, i).evaluation.normal(size=50)))
paths = np.stack(paths)  # (nets, T + 1, B)

# %%
plt.style.use("petroff10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
lag = np.arange(T + 1)
left.plot(lag, transient, "C2", label="ln |dL/dh|, measured")
left.plot(lag, lag * np.log(0.8), "k--", label="k ln ρ: the radius alone")
left.plot(lag, lag * theory.largest_step(achieved(W).sigma_max, "identity"), "k:", label="k ln σ_max: the bound")
left.set(title=f"linear, ρ = 0.8, σ_max = {achieved(W).sigma_max:.2f}, {H} units", ylim=(-30, 30))
right.plot(lag, paths.mean(axis=2).T, "C0", lw=0.8, label=[f"ln |dL/dh|, n = {NETS} nets"] + [None] * (NETS - 1))
right.plot(lag, lag * np.log(0.95), "k--", label="k ln ρ")
right.plot(lag, lag * np.log(sigma_max.mean()), "k:", label="k ln σ_max: the bound")
right.set(title=f"smart tanh, ρ = 0.95, σ_max = {sigma_max.mean():.2f}, 50 units", ylim=(-80, 30))
for axes in (left, right):
    axes.axhline(0, color="0.6", lw=0.8, zorder=0)
    axes.set(xlabel="lag k, steps back from the loss", ylabel="nats")
    axes.legend()
plt.show()

# %%
rates = (paths[:, 200] - paths[:, 20]).mean(axis=1) / 180
over = np.diff(paths, axis=1).max(axis=(1, 2)) - theory.largest_step(sigma_max, "tanh")
print(BOUND.judge(over.max(), 0.0, NETS))
print(FADES.judge(rates.mean(), rates.std(ddof=1) / np.sqrt(NETS), NETS, sigma=sigma_max.mean()))
print(TRANSIENT.judge(transient.max(), 0.0, 1, radius=0.8))
