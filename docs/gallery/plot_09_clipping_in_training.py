r"""
What does clipping buy in training?
===================================

Clipping bounds the length of every update. Does it let a net learn what it could not learn without, or does it let it
learn with larger steps?

A tanh net of 50 units reads 20 symbols and answers at the end in which order it saw two of them: the temporal order
task of Hochreiter and Schmidhuber (1997). The net is "basic tanh" of Pascanu, Mikolov and Bengio (2013), trained by
plain gradient descent,

.. math::

   \theta \leftarrow \theta - \eta \, g \, \min\bigl(1, c / \|g\|\bigr), \qquad c = 1 \text{ or } \infty .
"""

import matplotlib.pyplot as plt
import numpy as np

from rnnkit import Protocol, recipes, train
from rnnkit.runner.claims import Claim
from rnnkit.statistics import paired_difference, wilson_interval
from rnnkit.tasks import TASKS

# %%
# The claim. Its rate and bar were chosen on nets of seed 0 and are judged on those of seed 1.
LARGER_STEPS = Claim(
    claim="C2",
    class_="direction",
    kind="above",
    statement="learning rate .1: share of nets solved within {updates} updates, with clip 1 less without",
    source="Pascanu, Mikolov, Bengio 2013, section 3: clipping; the learning rate is chosen here",
    bar=0.3,
    reason="a third of the nets or nearly so: two standard errors of a difference of ten pairs",
)

# %%
# Ten nets for each rate, with and without a clip: the same ten first weights and the same data in every cell.
RATES, CLIPS, NETS, UPDATES, SEED = (0.01, 0.03, 0.1, 0.3, 1.0), (None, 1.0), 10, 300, 1
task = TASKS["temporal_order"]


def make_net(rng):
    return recipes.make("basic_tanh", task.input_size, 50, task.output_size, rng, spectral_radius=1.2)


def solved(rate, clip):
    protocol = Protocol(learning_rate=rate, clip=clip, updates=UPDATES, check_every=100, check_size=1000, stop="first")
    return np.array(
        [net.outcome == "solved" for net in train(make_net, task, 20, protocol, seed=SEED, replicates=NETS)]
    )


outcomes = {clip: {rate: solved(rate, clip) for rate in RATES} for clip in CLIPS}

# %%
plt.style.use("petroff10")
figure, axes = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
for i, (clip, by_rate) in enumerate(outcomes.items()):
    share = np.array([of_nets.mean() for of_nets in by_rate.values()])
    ends = np.array([wilson_interval(int(of_nets.sum()), NETS) for of_nets in by_rate.values()]).T
    words = "no clip" if clip is None else f"clip {clip:g}"
    place = np.array(RATES) * (0.97, 1.03)[i]  # side by side
    axes.errorbar(place, share, np.abs(ends - share), fmt="so"[i] + "-", color=("C2", "C0")[i], capsize=3, label=words)
axes.set(
    xlabel="learning rate", xscale="log", ylabel=f"share of nets solved within {UPDATES} updates", ylim=(-0.03, 1.03)
)
axes.set_title(f"temporal order, 20 steps; n = {NETS} nets a point, bars: 95% intervals (Wilson)", fontsize=10)
axes.legend()
plt.show()

# %%
difference = paired_difference(outcomes[1.0][0.1], outcomes[None][0.1])
print(LARGER_STEPS.judge(*difference, NETS, updates=UPDATES))
