"""What becomes of gradients on their way: of every state as logarithms, Jacobians, Lyapunov exponents, theory, checks.

log_norms          ln ||dL/dh_t|| of every state, and by the step of the loss it comes from
scaled_backward    gradients of the weights at any length, with their scale
record             what gradients are at one moment of a training, by lag and by weight
jacobians          of one step and of many; lyapunov: exponents
gradcheck          every gradient against finite differences
theory             what the papers predict; linear_memory: what a linear net remembers
"""

from rnnkit.gradients import gradcheck, jacobians, linear_memory, log_norms, lyapunov, record, scaled_backward, theory

__all__ = ["gradcheck", "jacobians", "linear_memory", "log_norms", "lyapunov", "record", "scaled_backward", "theory"]
