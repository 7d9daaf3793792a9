"""A damped oscillator, whose constants have names that gradients of states could have."""

from rnnkit.cells import Cell, tanh


class Damped(Cell):
    blocks = {"a": ("x", "h", "b")}
    states = ("h", "v")
    constants = {"d_h": 0.1, "d_v": 0.3}

    @staticmethod
    def step(a, h, v, d_h, d_v):
        v_t = v + 0.3 * (tanh(a) - h - d_v * v)
        return h + 0.3 * v_t - d_h * h, v_t
