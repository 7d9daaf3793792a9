from rnnkit.cells import Cell, sigmoid, tanh


class Peephole(Cell):
    """Gers, Schraudolph, Schmidhuber (2002): gates see the cell."""

    blocks = dict.fromkeys(("i", "f", "g", "o"), ("x", "h", "b"))
    states = ("h", "c")
    per_unit = {"p_i": 0.1, "p_f": 0.2, "p_o": lambda rng, H: rng.standard_normal(H)}

    @staticmethod
    def step(i, f, g, o, h, c, p_i, p_f, p_o):
        c_t = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * tanh(g)
        return sigmoid(o + p_o * c_t) * tanh(c_t), c_t
