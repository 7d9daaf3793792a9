from rnnkit.cells import Cell, tanh


class CoRNN(Cell):
    """Rusch, Mishra (2021): coupled oscillators; both states enter the product."""

    blocks = {"a": ("x", "h", "v", "b")}
    states = ("h", "v")
    constants = {"dt": 0.2, "gamma": 1.7, "epsilon": 0.9}

    @staticmethod
    def step(a, h, v, dt, gamma, epsilon):
        v_t = v + dt * (tanh(a) - gamma * h - epsilon * v)
        return h + dt * v_t, v_t
