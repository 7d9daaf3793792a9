"""Temporal order: which of A and B came first, second (and third), told at the end of a sequence of distractors."""

import math

import numpy as np

from rnnkit._arguments import is_integer
from rnnkit.tasks.task import Batch, Task

STARTS = {2: (0.1, 0.5), 3: (0.1, 0.3, 0.6)}  # of the windows of the positions, as parts of seq_len
DISTRACTORS = (2, 6)  # c, d, e, f


class TemporalOrder(Task):
    """2 or 3 symbols to order; 6 symbols: A = 0, B = 1, distractors 2..5 drawn uniformly. T = L = seq_len.

    The class is v_0 + 2 v_1 (+ 4 v_2), v_i in {0, 1} uniform, and v_i stands at step p_i (from 0), uniform in

        2 symbols   p_0 in int(.1 L) + [0, int(.1 L)),  p_1 in int(.5 L) + [0, int(.1 L))
        3 symbols   p_0 as above,  p_1 in int(.3 L) + [0, int(.1 L)),  p_2 in int(.6 L) + [0, int(.1 L))

    where int(.1 L) is the floor of the float product; it equals k L // 10 for these k/10 (tested to L = 100,000).
    From trainingRNNs, tempOrder.py and tempOrder3bit.py [code]. The comment in the first says p_0 in [1, L/10], its
    code does the above; Hochreiter and Schmidhuber (1997), tasks 6a and 6b, have start and end symbols
    and other positions.

    Chance: all 2^k classes are equally likely, so the best constant is wrong in 1 - 2^-k (75%, 87.5%); loss k ln 2.
    """

    input_size = 6
    shortest = 10  # int(.1 L) >= 1

    def __init__(self, symbols_to_order: int = 2):
        if not is_integer(symbols_to_order) or symbols_to_order not in STARTS:
            raise ValueError(f"symbols_to_order must be 2 or 3, got {symbols_to_order!r}")
        self.symbols_to_order = symbols_to_order
        self.name = "temporal_order" if symbols_to_order == 2 else "temporal_order_3"
        self.output_size = 2**symbols_to_order

    def sample(self, rng: np.random.Generator, n: int, seq_len: int) -> Batch:
        """Return x (T, n) symbols and target (1, n) classes."""
        x = rng.integers(*DISTRACTORS, size=(seq_len, n), dtype=np.uint8).astype(np.int64)  # 5 times as fast as int64
        target, sequences = np.zeros((1, n), np.int64), np.arange(n)
        for i, start in enumerate(STARTS[self.symbols_to_order]):
            position = int(seq_len * start) + rng.integers(int(seq_len * 0.1), size=n)
            value = rng.integers(2, size=n)
            x[position, sequences] = value
            target[0] += value << i
        return Batch(x, target)

    def chance_error(self, seq_len: int) -> float:
        """Return 1 - 2^-k."""
        return 1 - 1 / self.output_size

    def constant_loss(self, seq_len: int) -> float:
        """Return k ln 2: all classes equally likely."""
        return math.log(self.output_size)
