r"""
Why does clipping help? The wall in the error surface
=====================================================

One sigmoid unit and two weights are enough to see what an exploding gradient is: a wall in the error surface, from
which a step of gradient descent leaps far away. What does a step of at most a fixed length do there?

.. math::

   x_t = w\, \sigma(x_{t-1}) + b, \quad x_0 = \tfrac{1}{2}, \qquad E(w, b) = \bigl(\sigma(x_{50}) - 0.7\bigr)^2,

.. math::

   \text{clip } c:\; g \leftarrow g \, \min(1, c / \|g\|).

The picture is figure 6 of Pascanu, Mikolov and Bengio (2013). The wall stands where the start :math:`x_0` is an
unstable fixed point, :math:`b = x_0 - w \sigma(x_0)`: on either side the unit ends in another state.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit

from rnnkit.kernels import SIGMOID, rnn_backward, rnn_forward
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim
from rnnkit.statistics import paired_difference

# %%
# The claim, before there is data.
HELPS = Claim(
    claim="C1e",
    class_="direction",
    kind="above",
    statement="share of starts that end with E < .001: with clip 1 less without",
    source="Pascanu, Mikolov, Bengio 2013, Fig. 6",
    bar=0.2,
    reason="a fifth of the starts, well beyond 3 standard errors of a difference of 200 pairs",
)

# %%
# In rnnkit's terms the state is :math:`h_t = \sigma(x_t)`, from :math:`h_0 = \sigma(x_0)`, without input. Many pairs of
# weights are run at once, as a net of units that do not see each other: its recurrent weights are a diagonal.
T, X_0, TARGET, RATE, UPDATES, STARTS = 50, 0.5, 0.7, 0.1, 400, 200


def errors_and_gradients(w, b):
    """Return E (n,) and dE/d(w, b) (n, 2) at weights w (n,) and biases b (n,)."""
    x, h_0, W_xh, W_hh = np.zeros((T, 1, 1)), np.full((1, len(w)), expit(X_0)), np.zeros((1, len(w))), np.diag(w)
    h = rnn_forward(x, h_0, W_xh, W_hh, b, SIGMOID)
    back = rnn_backward(2 * (h[-1] - TARGET), x, h, W_xh, W_hh, SIGMOID)
    return (h[-1, 0] - TARGET) ** 2, np.stack([back.dW_hh.diagonal(), back.db_h], axis=1)


def descend(starts, clip):
    """Return the paths (UPDATES + 1, n, 2) of (w, b), and E at their ends."""
    path = [starts]
    for _ in range(UPDATES):
        _, gradient = errors_and_gradients(*path[-1].T.copy())
        norm = np.linalg.norm(gradient, axis=1, keepdims=True)
        path.append(path[-1] - RATE * gradient * np.minimum(1, clip / np.maximum(norm, 1e-300)))
    return np.array(path), errors_and_gradients(*path[-1].T.copy())[0]


starts = streams(0).init.uniform([4.5, -3.5], [7.0, -2.0], (STARTS, 2))
descents = {clip: descend(starts, clip) for clip in (np.inf, 1.0)}
solved = {clip: errors < 1e-3 for clip, (_, errors) in descents.items()}

# %%
# The surface, and two paths from one start: the first that a clip makes the difference for.
shown = (solved[1.0] & ~solved[np.inf]).argmax()
furthest = max(path[:, shown, 1].max() for path, _ in descents.values())
w, b = np.linspace(3.8, 7, 150), np.linspace(-3.7, furthest + 0.2, 150)
surface = np.array([errors_and_gradients(np.full(150, one_w), b)[0] for one_w in w])
plt.style.use("petroff10")
figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
figure.colorbar(axes.pcolormesh(b, w, surface, cmap="Greys", rasterized=True), label="E = (σ(x_50) - 0.7)²")
axes.plot(X_0 - w * expit(X_0), w, "C3--", lw=2, label="b = x_0 - w σ(x_0), the wall")
for clip, colour in ((np.inf, "C2"), (1.0, "C0")):
    path, error = descents[clip][0][:, shown], descents[clip][1][shown]
    share = f"{solved[clip].mean():.0%} of {STARTS} starts solved"
    words = f"{'no clip' if clip == np.inf else f'clip {clip:g}'}: ends at E = {error:.2g}; {share}"
    axes.plot(path[:, 1], path[:, 0], f"{colour}o-", ms=3, lw=1, label=words)
    axes.plot(*path[-1, ::-1], f"{colour}s", ms=9, mec="k", zorder=4)
axes.plot(*starts[shown, ::-1], "k*", ms=13, label="start (squares: ends)")
axes.set(xlabel="b", ylabel="w", xlim=(b[0], b[-1]), ylim=(w[0], w[-1]))
figure.legend(loc="outside lower center", ncols=1, fontsize=9)
plt.show()

# %%
print(HELPS.judge(*paired_difference(solved[1.0], solved[np.inf]), STARTS))
