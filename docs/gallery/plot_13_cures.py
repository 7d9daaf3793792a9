r"""
How far does each cure carry a gradient?
========================================

Gates, constraints on weights, diagonal nets, oscillators: each was proposed to keep gradients alive. How far does each
carry one before any training, begun as its paper says?

Besides a plain tanh net: an orthogonal :math:`W` (Henaff, Szlam and LeCun 2016), GRU (Cho et al. 2014), LSTM
(Hochreiter and Schmidhuber 1997), leaky units (Jaeger et al. 2007), chrono-initialized LSTM (Tallec and Ollivier 2018),
LRU (Orvieto et al. 2023), antisymmetric weights (Chang et al. 2019) and coRNN (Rusch and Mishra 2021). All nets have 50
units and are driven by the same white noise. The loss is :math:`h_T` times a random direction; shown is the gradient of
all states of a net together (of an LSTM :math:`h` and :math:`c`),

.. math::

   \log_{10} \sqrt{\textstyle\sum_s \|\partial L/\partial s_{T-k}\|^2} .

A gradient that arrives is not yet a task that is learned; but where none arrives, nothing is.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np

from rnnkit import recipes
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim
from rnnkit.statistics import standard_error

# %%
# The claims, before there is data: what is lost, and what is kept.
LOST = Claim(
    claim="L6a",
    class_="direction",
    kind="below",
    statement="{name}: log10 of the gradient 100 steps back",
    source="Glorot, Bengio 2010; Cho et al. 2014: the nets; the direction is stated here",
    bar=-6.0,
    reason="a millionth, what counts as vanished",
)
KEPT = Claim(
    claim="L6b",
    class_="direction",
    kind="above",
    statement="{name}: log10 of the gradient 100 steps back",
    source="Tallec, Ollivier 2018; Orvieto et al. 2023; Chang et al. 2019; Rusch, Mishra 2021",
    bar=-3.0,
    reason="a thousandth, what counts as carried",
)
LOSE, KEEP = ("tanh", "gru"), ("chrono", "lru", "antisymmetric", "cornn")

# %%
# Four nets of each kind; ``rnnkit.recipes`` begins them as their papers do.
NAMES, NETS, H, T, B = ("tanh", "orthogonal", "gru", "lstm", "leaky", *KEEP), 4, 50, 1000, 2


def by_lag(name, replicate):
    rng = streams(0, replicate)
    net = recipes.make(name, H, H, 1, rng.init, dtype="float64")
    trace, last = net.forward(rng.data.standard_normal((T, B, H))), net.initial_state(B)
    direction = rng.evaluation.standard_normal(H)
    last[0][:] = direction / np.linalg.norm(direction)
    return backward_scaled(net, trace, last).log_norms["l0"].joint[::-1].mean(axis=1) / np.log(10)


found = {name: np.array(map_replicates(partial(by_lag, name), NETS)) for name in NAMES}

# %%
plt.style.use("petroff10")
figure, axes = plt.subplots(figsize=(8.5, 4.8), layout="constrained")
for i, (name, logs) in enumerate(found.items()):
    axes.plot(np.arange(T + 1) + 1, logs.mean(axis=0), ("-", "--")[i % 2], color=f"C{i}", label=name)
    axes.fill_between(np.arange(T + 1) + 1, logs.min(axis=0), logs.max(axis=0), color=f"C{i}", alpha=0.15, lw=0)
axes.axhline(-6, color="0.3", ls=":", lw=1)
axes.axvline(101, color="0.3", ls=":", lw=1)
axes.set(
    xlabel="k + 1, k steps back from the loss",
    ylabel="log10 of the gradient of all states",
    xscale="log",
    ylim=(-16, 4),
)
axes.set_title(
    f"before training: {H} units, mean and range of n = {NETS} nets; dotted: lag 100, a millionth", fontsize=10
)
figure.legend(loc="outside right center", fontsize=9)
plt.show()

# %%
for claim, names in ((LOST, LOSE), (KEPT, KEEP)):
    for name in names:
        at_100 = found[name][:, 100]
        print(claim.judge(at_100.mean(), standard_error(at_100), NETS, name=name))
