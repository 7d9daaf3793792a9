from rnnkit.cells import Cell, exp, log1p, sigmoid, tanh, where


class Adaptive(Cell):
    """Three states: a unit that tires, and a trace of how often it fired."""

    blocks = {"a": ("x", "h", "b"), "gate": ("x", "m", "b")}
    states = ("h", "m", "r")
    constants = {"tau": 0.25}
    per_unit = {"slow": 0.5}

    @staticmethod
    def step(a, gate, h, m, r, slow, tau):
        fast = tanh(a - slow * m)
        m_t = m + tau * (h * h - m) * sigmoid(gate)
        r_t = log1p(exp(-abs(r))) + where(r < fast, tau * fast, r * tau)
        return fast * sigmoid(gate) + tau * r_t, m_t, r_t
