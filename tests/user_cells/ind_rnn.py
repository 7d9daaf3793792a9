from rnnkit.cells import Cell, relu


class IndRNN(Cell):
    """Li et al. (2018): each unit has one recurrent weight."""

    blocks = {"a": ("x", "b")}
    states = ("h",)
    per_unit = {"u": 0.9}

    @staticmethod
    def step(a, h, u):
        return relu(a + u * h)
