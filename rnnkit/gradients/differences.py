"""The central difference of 4th order; see `rnnkit.gradients.gradcheck`."""

OFFSETS = (-2, 2, -1, 1)  # in pairs: the difference of a loss that does not depend on the entry is 0, without rounding
WEIGHTS = (1 / 12, -1 / 12, -8 / 12, 8 / 12)
