from rnnkit.cells import Cell, where


class Switch(Cell):
    """A unit whose slope is that of its last sign: the state before enters as a condition, and has no derivative."""

    blocks = {"a": ("x", "h", "b")}
    states = ("h",)

    @staticmethod
    def step(a, h):
        return where(h > 0, a, 0.5 * a)
