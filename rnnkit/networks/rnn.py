"""A recurrent network: layers of any cell, in one direction or both, and a readout; gradients of every part of it.

    net = rnnkit.RNN(6, 50, 4, cell="tanh", spectral_radius=1.1, seed=0)
    trace = net.forward(x)                   trace.y (T, B, O): the outputs; trace.state: the states after the last step
    gradients = net.backward(trace, dy)      .parameters, .dx, .state (of the first states), .hidden (of every state)
    loss, gradients, trace = net.loss_and_gradients(x, target, loss="mse")

The network holds weights, and nothing of a forward pass: its trace has what backward needs.
"""

from typing import NamedTuple

import numpy as np

from rnnkit._arguments import boolean, check_unmasked, choice
from rnnkit.kernels import losses
from rnnkit.kernels.losses import LOSSES
from rnnkit.networks.backward import backward
from rnnkit.networks.by_state import State
from rnnkit.networks.checks import check_mask, check_trace
from rnnkit.networks.forward import counted, forward
from rnnkit.networks.network import Network
from rnnkit.networks.trace import Gradients, Trace


class LossAndGradients(NamedTuple):
    """The loss, the gradients, and the trace they come from."""

    loss: float
    gradients: Gradients
    trace: Trace


class RNN(Network):
    """A recurrent network that owns its weights: sizes and arguments as `Network` says."""

    def forward(
        self,
        x: np.ndarray,
        state: State | None = None,
        lengths: np.ndarray | None = None,
        *,
        checkpointing: bool = False,
    ) -> Trace:
        """Return a Trace: y (T, B, O), or (B, O) where output is `last`; h, the last layer's; state, the last ones.

        x: (T, B, I) of the network's dtype, or (T, B) integers, symbols 0..I-1; T and B at least 1. state: the first
        states, from `initial_state` or an earlier trace; zeros where not given. lengths: (B,) integers from 0 to T
        where rows are shorter: a step beyond a row's length hands the state on, and its output is 0. So a row of length
        0, as a batch may hold, keeps its first state; its output is 0 where output is `last` too, counts in no loss and
        hands no gradient on but that of its last state to its first. What is kept of the arguments is copied.
        checkpointing: keep the states before some sqrt(T) segments alone; `backward` runs each forward once more
        (`rnnkit.kernels.gradient_checkpointing`). Raises ValueError naming a bad argument.
        """
        boolean("checkpointing", checkpointing)
        return forward(self, x, state, lengths, checkpointing)

    def backward(
        self,
        trace: Trace,
        dy: np.ndarray | None,
        dstate: State | None = None,
        *,
        truncation: tuple[int, int] | None = None,
        hidden: bool = False,
    ) -> Gradients:
        """Return the gradients of a loss with dL/dy = dy, shaped as trace.y, and dL/dstate = dstate of the last states.

        trace: of the present weights; ValueError where they have changed since. truncation: (k1, k2), see
        `rnnkit.networks.truncation`. hidden: the gradients of all states too. Where a unit's state rounds to 1 its
        derivative is 0 (`rnnkit.kernels.rnn_backward`); `rnnkit.gradients.log_norms` has its logarithm.
        """
        check_trace(self, trace, whole=False)
        boolean("hidden", hidden)
        return backward(self, trace, dy, dstate, truncation, hidden)

    def loss_and_gradients(
        self,
        x: np.ndarray,
        target: np.ndarray,
        *,
        loss: str = "mse",
        mask: np.ndarray | None = None,
        state: State | None = None,
        lengths: np.ndarray | None = None,
        truncation: tuple[int, int] | None = None,
        hidden: bool = False,
        checkpointing: bool = False,
    ) -> LossAndGradients:
        """Return (loss, gradients, trace): the mean over all outputs that are neither masked nor beyond a row's length.

        target: shaped as the outputs, for softmax integers, classes, without their last axis. loss: mse, softmax or
        sigmoid (cross-entropies of logits, nats). mask: bool, True where an output counts. Others as above.
        """
        choice("loss", loss, LOSSES)
        boolean("hidden", hidden)
        trace = self.forward(x, state, lengths, checkpointing=checkpointing)
        value, dy = self._loss(trace, target, loss, mask)
        return LossAndGradients(value, backward(self, trace, dy, None, truncation, hidden), trace)

    def loss(
        self, trace: Trace, target: np.ndarray, loss: str = "mse", mask: np.ndarray | None = None
    ) -> losses.LossAndGradient:
        """Return (value, dL/dy) of a trace; arguments as in `loss_and_gradients`."""
        check_trace(self, trace, whole=False)
        return self._loss(trace, target, choice("loss", loss, LOSSES), mask)

    def _loss(self, trace: Trace, target: np.ndarray, loss: str, mask: np.ndarray | None) -> losses.LossAndGradient:
        check_mask(trace, mask)
        check_unmasked("target", target)
        within = counted(self, trace.tape)
        if within is not None:
            within = within if self.output == "every" else within[0]
            both = within if mask is None else within & mask
            if not both.any() and (mask is None or mask.any()):  # of a mask without a True the loss tells
                raise ValueError(
                    "lengths and mask must leave an output that counts, got none: the mean over none is undefined"
                )
            mask = both
        return losses.evaluate(loss, trace.y, np.ascontiguousarray(target), mask, ("trace.y", "target"))
