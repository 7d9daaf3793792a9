r"""
What do gradients do while a net learns?
========================================

A gradient that has vanished teaches nothing about distant steps. So in a net that learns a long dependency the gradient
should reach far back first, and the error fall afterwards: does it?

Tanh nets of radius 0.8, whose gradients fade to a hundredth on the way, learn temporal order over 20 steps. While they
do, the gradients of the same 20 sequences are recorded again and again,

.. math::

   \ell_k = \bigl\langle \ln \|\partial L / \partial h_{T-k}\| \bigr\rangle, \qquad
   \text{far gradient} = \langle \ell_k \rangle_{k \ge 16} - \ell_0 :

what arrives at the first four steps, among which the first symbol stands, of what is there at the last.
"""

import matplotlib.pyplot as plt
import numpy as np

from rnnkit import Protocol, recipes, train
from rnnkit.runner.claims import Claim
from rnnkit.statistics import share_se
from rnnkit.tasks import TASKS

# %%
# The claim, before there is data.
RISES_FIRST = Claim(
    claim="D1a",
    class_="direction",
    kind="above",
    statement="share of the solved nets whose far gradient has risen by 1 nat before their error has halved",
    source="stated here: a weak signal from distant steps teaches nothing",
    bar=0.5,
    reason="more than half of the nets",
)

# %%
# ``record_every`` records gradients during a training without changing a bit of it.
NETS, L, FAR = 12, 20, 16
task = TASKS["temporal_order"]
protocol = Protocol(updates=1200, check_every=50, check_size=1000, stop="never", record_every=50, record_size=20)


def make_net(rng):
    return recipes.make("basic_tanh", task.input_size, 50, task.output_size, rng, spectral_radius=0.8)


nets = train(make_net, task, L, protocol, replicates=NETS)
updates = np.array([row["update"] for row in nets[0].records])
logs = np.array([[row["lags"]["l0"]["log_norm"] for row in net.records] for net in nets])  # (nets, records, L)
far = logs[:, :, FAR:].mean(axis=2) - logs[:, :, 0]
errors = np.array([[row["error"] for row in net.history] for net in nets])  # (nets, checks): after the first record
solved = [i for i, net in enumerate(nets) if net.outcome == "solved"]
rise = np.array([updates[(far[i] >= far[i, 0] + 1).argmax()] for i in solved])
fall = np.array([updates[1:][(errors[i] < task.chance_error(L) / 2).argmax()] for i in solved])

# %%
plt.style.use("petroff10")
figure, (above, below) = plt.subplots(2, 1, figsize=(8, 6), sharex=True, height_ratios=(1, 1.4), layout="constrained")
above.plot(updates[1:], errors.T, "C0", lw=0.8, alpha=0.6, label=["share wrong, one net"] + [None] * (NETS - 1))
above.axhline(task.chance_error(L), color="0.3", ls=":", label="chance")
above.set(
    ylabel="share wrong", ylim=(-0.03, 1), title=f"temporal order, {L} steps, radius 0.8 at the start; n = {NETS} nets"
)
image = below.pcolormesh(updates, np.arange(L), logs.mean(axis=0).T, cmap="viridis", shading="nearest", rasterized=True)
for axes in (above, below):
    axes.axvline(np.median(rise), color="C2", lw=1.5, label="far gradient has risen by 1 nat (median of the solved)")
    axes.axvline(np.median(fall), color="C2", lw=1.5, ls="--", label="error has halved (median of the solved)")
figure.legend(*above.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=9)
below.set(xlabel="updates", ylabel="lag k, steps back from the last", yticks=range(0, L, 5))
figure.colorbar(image, ax=below, label="ln |dL/dh|, nats, mean over nets")
plt.show()

# %%
before, n = int(np.sum(rise < fall)), len(solved)
print(f"median update of the rise {np.median(rise):g}, of the fall {np.median(fall):g}")
print(RISES_FIRST.judge(before / n, share_se(before, n), n))
