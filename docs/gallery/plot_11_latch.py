r"""
Why is a robust memory hard to teach?
=====================================

One tanh unit with a weight above 1 holds a bit: it stays near :math:`+x^*` or :math:`-x^*` once it has been set. The
better it resists what would make it forget, the less a gradient gets through. How are the two tied?

.. math::

   x_t = \tanh(w x_{t-1} + u_t), \qquad x^* = \tanh(w x^*),

.. math::

   f = \frac{\partial x_t}{\partial x_{t-1}} = w (1 - x^{*2}), \qquad u^* = \max_x \, (w x - \operatorname{artanh} x).

:math:`f` is the factor that a gradient meets at each step, :math:`u^*` the largest constant input against which the
bit is held. This is the latch of Bengio, Simard and Frasconi (1994).
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

import rnnkit
from rnnkit.gradients.scaled_backward import backward_scaled
from rnnkit.runner.claims import Claim

# %%
# The claims, before there is data.
SOURCE = "the latch of Bengio, Simard, Frasconi 1994, in closed form"
FACTOR = Claim(
    claim="M1b",
    class_="check",
    kind="equal",
    statement="w = {w:g}: gradient factor a step through a latched unit, by BPTT",
    source=SOURCE,
    margin=1e-4,
    reason="what the unit has left to go to its attractor after 150 steps is below that",
)
HELD = Claim(
    claim="M1a",
    class_="check",
    kind="equal",
    statement="w = {w:g}: largest input against which the unit holds its bit, by running it",
    source=SOURCE,
    margin=1e-3,
    reason="inputs are tried in steps of .0005, and near u* the unit takes its time to fall",
)


def attractor(w):
    return brentq(lambda x: np.tanh(w * x) - x, 1e-6, 1)


def closed_form(w):
    """Return the factor f and the largest adverse input u*."""
    x = np.linspace(0, attractor(w), 10_001)
    return w * (1 - x[-1] ** 2), np.max(w * x - np.arctanh(x))


def unit(w):
    net = rnnkit.RNN(1, 1, cell="tanh", initializer=np.array([[w]]), dtype="float64")
    net.parameters["l0.W_xh"][:] = 1
    return net


# %%
# Measured: the gradient through a unit that was set once and left alone, and the inputs that it withstands for 2,000
# steps, 1,400 of them at once.
WEIGHTS, STEPS = (1.1, 1.25, 1.5, 2.0), 200


def log_norms_by_lag(w):
    x, net = np.zeros((STEPS, 1, 1)), unit(w)
    x[:3] = 1
    one = net.initial_state(1)
    one.h[:] = 1
    return backward_scaled(net, net.forward(x), one).log_norms["l0"].h[::-1, 0]


def withstood(w):
    inputs, net = np.arange(0, 0.7, 0.0005), unit(w)
    state = net.initial_state(len(inputs))
    state.h[:] = attractor(w)
    held = net.forward(-np.tile(inputs, (2000, 1))[:, :, None], state).y[-1, :, 0] > 0
    return inputs[held].max()


lags = {w: log_norms_by_lag(w) for w in WEIGHTS}
factors = {w: np.exp(log_norms[50] / 50) for w, log_norms in lags.items()}
inputs = {w: withstood(w) for w in WEIGHTS}

# %%
plt.style.use("petroff10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
curve = np.array([closed_form(w) for w in np.linspace(1.02, 2.3, 200)])
right.plot(curve[:, 1], np.log(2) / -np.log(curve[:, 0]), "k", lw=1, label="closed form, w from 1.02 to 2.3")
for i, w in enumerate(WEIGHTS):
    left.plot(np.arange(51) * np.log(closed_form(w)[0]), f"C{i}", lw=1)
    left.plot(np.arange(0, 51, 5), lags[w][:51:5], f"C{i}o", ms=5, label=f"w = {w:g}")
    right.plot(inputs[w], np.log(2) / -np.log(factors[w]), f"C{i}o", ms=8, label=f"w = {w:g}, measured")
left.set(xlabel="lag k, steps back", ylabel="ln |dx_T/dx_{T-k}|, nats", title="points: BPTT; lines: k ln f")
left.legend()
right.set(
    xlabel="robust: largest adverse input that is withstood", ylabel="teachable: half-life of the gradient, steps"
)
right.set(yscale="log", title="one latched tanh unit")
right.legend()
plt.show()

# %%
for w in WEIGHTS:
    print(FACTOR.judge(factors[w], 0.0, 1, bar=closed_form(w)[0], w=w))
    print(HELD.judge(inputs[w], 0.0, 1, bar=closed_form(w)[1], w=w))
