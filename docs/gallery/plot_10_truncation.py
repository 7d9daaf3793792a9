r"""
Can truncated BPTT go the wrong way?
====================================

Truncated backpropagation leaves out what lies more than :math:`K` steps back. One hopes that this makes the gradient
less exact; can it also turn its sign?

Influence balancing (Tallec and Ollivier 2017) is a linear system with one parameter, whose near past pulls it up and
whose far past, in the end, down:

.. math::

   s_{t+1} = A s_t + \theta v, \quad A = \tfrac{1}{2} I + \tfrac{1}{2} \text{superdiagonal}, \qquad
   L = \tfrac{1}{2} (s_1 - 1)^2,

where :math:`v` is 1 ten times and then -1 thirteen times. At rest :math:`s_1 = -6\,\theta`, so the
best :math:`\theta` is :math:`-1/6`, and :math:`\mathrm{d} s_1/\mathrm{d}\theta` is -6. But a component forgets half of
itself at each step: who would ask for more than a few steps?
"""

import matplotlib.pyplot as plt
import numpy as np

import rnnkit
from rnnkit.runner.claims import Claim
from rnnkit.tasks import influence_balancing

# %%
# The claim, before there is data: counted from the closed form, 2 E[2 min(B, 10) - min(B, 23)] for B heads in K tosses.
FIRST_RIGHT = Claim(
    claim="T1",
    class_="check",
    kind="equal",
    statement="steps taken back from which on truncated BPTT has the right sign",
    source="Tallec, Ollivier 2017",
    bar=41.0,
    margin=0.0,
    reason="a whole number, by exact fractions",
)

# %%
# The system is a linear net of 23 units with a constant input. ``truncation=(1, K)`` takes each loss K steps back.
STEPS = 100
KS = np.arange(1, STEPS + 1)
A, v = influence_balancing.system()


def gradient(theta, K):
    """Return dL/dtheta through K steps, and s_1."""
    net = rnnkit.RNN(1, len(v), cell="identity", initializer=A.T.copy(), dtype="float64")
    net.parameters["l0.W_xh"][:] = theta * v
    trace = net.forward(np.ones((STEPS, 1, 1)))
    s_1, dy = trace.h[-1, 0, 0], np.zeros_like(trace.y)
    dy[-1, 0, 0] = s_1 - 1
    dW_xh = net.backward(trace, dy, truncation=(1, int(K))).parameters["l0.W_xh"]
    return (dW_xh @ v).item(), s_1


derivative = np.array([d_theta / (s_1 - 1) for d_theta, s_1 in (gradient(0.1, K) for K in KS)])


def descend(K, rate=0.005, updates=60):
    thetas = [0.0]
    for _ in range(updates):
        thetas.append(thetas[-1] - rate * gradient(thetas[-1], K)[0])
    return thetas


# %%
plt.style.use("petroff10")
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
left.axhspan(0, 20, color="C1", alpha=0.15, label="wrong sign")
left.plot(KS, [influence_balancing.truncated_derivative(int(K)) for K in KS], "k", lw=1, label="closed form")
left.plot(KS[::2], derivative[::2], "C0o", ms=4, label="truncated BPTT")
left.axhline(0, color="0.6", lw=0.8, zorder=0)
left.set(xlabel="K, steps taken back", ylabel="ds_1/dθ", xlim=(0, STEPS), ylim=(-8, 18))
for i, K in enumerate((5, 20, 38, 41, 45, 100)):
    right.plot(descend(K), f"C{i}", label=f"K = {K}")
right.axhline(-1 / 6, color="k", ls="--", label="best θ, -1/6")
right.set(xlabel="updates", ylabel="θ", ylim=(-0.5, 1), title="gradient descent, learning rate .005")
left.legend()
right.legend()
plt.show()

# %%
wrong = KS[derivative > 0]
print(FIRST_RIGHT.judge(wrong.max() + 1, 0.0, len(KS)))
