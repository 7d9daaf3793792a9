r"""
How long does a forget gate keep a gradient?
============================================

The cell of an LSTM is multiplied by its forget gate at each step, and by nothing else. What does the bias of that gate
say about the gradients of a net before training, and what do biases that differ from unit to unit change?

Without weights the cells are all there is, and

.. math::

   \frac{\partial c_T}{\partial c_{T-k}} = \sigma(b)^k, \quad
   \text{half-life } \frac{\ln 2}{-\ln \sigma(b)}; \qquad
   \text{chrono: } \frac{1}{1 - f} \sim U[2, L], \quad
   \mathrm{E}\Bigl(\frac{\partial c_T}{\partial c_{T-k}}\Bigr)^2 = \mathrm{E} f^{2k} .

Chrono initialization (Tallec and Ollivier 2018, eq. 16) gives each unit a memory of its own, up to :math:`L` steps: its
gradient stays level up to some tenth of :math:`L` and does not fall as a power of one gate.
"""

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit import theory
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim
from rnnkit.statistics import standard_error

# %%
# The claims, before there is data.
ONE_GATE = Claim(
    claim="G9",
    class_="check",
    kind="equal",
    statement="forget bias {bias:g}: half-life of the gradient of the cell, steps (relative)",
    source="dc_t/dc_{t-1} = f: Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000",
    bar=1.0,
    margin=1e-6,
    reason="no more than rounding",
)
CHRONO = Claim(
    claim="L3c",
    class_="theory",
    kind="equal",
    statement="chrono, L = 100: mean squared gradient of the cells {lag} steps back over E f^2k",
    source="Tallec, Ollivier 2018, eq. 16; E f^2k: rnnkit.theory.kept_by_gates",
    bar=1.0,
    margin=0.1,
    reason="four standard errors of 32 nets of 100 units, .02 at the longest lag",
)

# %%
# A loss on the last cells alone is taken back through 400 steps of nets without weights.
H, T, NETS, BIASES, LONGEST = 100, 400, 32, (0.0, 1.0, 2.0, 3.0, 5.0), 100


def gradients_of_cells(replicate=0, **gates):
    """Return the root of the mean squared gradient of the cells by lag (T + 1,)."""
    rng = streams(0, replicate)
    net = rnnkit.RNN(1, H, cell="lstm", dtype="float64", seed=rng.init, **gates)
    for name in ("l0.W_xh", "l0.W_hh"):
        net.parameters[name][:] = 0
    last = net.initial_state(1)
    last.c[:] = 1 / np.sqrt(H)
    return np.exp(backward_scaled(net, net.forward(np.zeros((T, 1, 1))), last).log_norms["l0"].c[::-1, 0])


by_bias = {bias: gradients_of_cells(forget_bias=bias) for bias in BIASES}
chrono = np.array([gradients_of_cells(i, chrono=LONGEST) for i in range(NETS)])

# %%
plt.style.use("petroff10")
figure, axes = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
lag, some = np.arange(T + 1), np.unique(np.geomspace(1, T, 30).astype(int))
for i, (bias, measured) in enumerate(by_bias.items()):
    gate = 1 / (1 + np.exp(-bias))
    axes.plot(lag, gate**lag, f"C{i}", lw=1)
    axes.plot(some, measured[some], f"C{i}o", ms=4, label=f"bias {bias:g}, half-life {np.log(0.5) / np.log(gate):.1f}")
axes.plot(lag, np.sqrt(theory.kept_by_gates(lag, LONGEST)), "k", lw=1)
low, middle, high = np.quantile(chrono[:, some], [0.05, 0.5, 0.95], axis=0)
axes.errorbar(some, middle, [middle - low, high - middle], fmt="ks", ms=4, capsize=2, label=f"chrono, L = {LONGEST}")
axes.set(xlabel="lag k, steps back", ylabel="gradient of the cells, root mean square", xscale="log", yscale="log")
axes.set(ylim=(1e-6, 2))
axes.set_title(f"points: BPTT, {H} units (chrono: n = {NETS} nets, 90% of them); lines: theory", fontsize=10)
axes.legend(loc="lower left")
plt.show()

# %%
for bias, measured in by_bias.items():
    half_life = np.log(0.5) / (np.log(measured[20]) / 20)
    print(ONE_GATE.judge(half_life / (np.log(2) / np.logaddexp(0, -bias)), 0.0, 1, bias=bias))
for k in (LONGEST // 10, LONGEST, 3 * LONGEST):
    ratio = chrono[:, k] ** 2 / theory.kept_by_gates(np.array(k), LONGEST)
    print(CHRONO.judge(ratio.mean(), standard_error(ratio), NETS, lag=k))
