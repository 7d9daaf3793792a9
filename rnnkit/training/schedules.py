"""Learning rates from the validation loss: call a schedule after each evaluation, train on at what it returns."""

import math

from rnnkit._arguments import integer, is_number, number, shown
from rnnkit.kernels.optimizers import check_hyperparameters


class Constant:
    """The same learning rate always."""

    def __init__(self, learning_rate: float):
        """Take a learning rate, 0 or more. Raises ValueError."""
        check_hyperparameters(learning_rate=learning_rate)
        self.learning_rate = learning_rate

    def __repr__(self) -> str:
        return f"Constant(learning_rate={self.learning_rate!r})"

    def __call__(self, loss: float) -> float:
        """Return the learning rate, whatever the loss."""
        return self.learning_rate


class HalveOnPlateau:
    """Lowers the learning rate when the loss has stopped falling.

    A loss is an improvement where it is below the lowest so far by more than `min_improvement`; nan never is. After
    more than `patience` evaluations in a row without one, the learning rate is multiplied by `factor`, down to
    `smallest`, and the count of evaluations starts anew.

    torch.optim.lr_scheduler.ReduceLROnPlateau with threshold_mode="abs", eps=0. Mikolov's RNNLM halves for a similar
    reason, but otherwise: it compares with the loss before, as a ratio (1.003), halves after every epoch once it has
    begun, and stops at the next epoch without improvement.

    learning_rate: the present one. best: the lowest loss that was an improvement. waited: evaluations since, or since
    the last reduction.
    """

    def __init__(
        self,
        learning_rate: float,
        patience: int = 0,
        min_improvement: float = 0.0,
        factor: float = 0.5,
        smallest: float = 0.0,
    ):
        """Take the first learning rate, >= smallest >= 0; patience >= 0; min_improvement >= 0; 0 < factor < 1.

        Raises ValueError.
        """
        check_hyperparameters(learning_rate=learning_rate)
        integer("patience", patience, 0)
        number("min_improvement", min_improvement, least=0)
        number("factor", factor, above=0, below=1)
        number("smallest", smallest, least=0, most=learning_rate)
        self.learning_rate, self.patience, self.min_improvement = learning_rate, patience, min_improvement
        self.factor, self.smallest = factor, smallest
        self.best, self.waited = math.inf, 0

    def __repr__(self) -> str:
        names = ("learning_rate", "patience", "min_improvement", "factor", "smallest")
        return f"HalveOnPlateau({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def __call__(self, loss: float) -> float:
        """Take the loss of an evaluation and return the learning rate to use next."""
        if not is_number(loss):
            raise ValueError(f"loss must be a number, got {shown(loss)}")
        if loss < self.best - self.min_improvement:
            self.best, self.waited = float(loss), 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.learning_rate, self.waited = max(self.learning_rate * self.factor, self.smallest), 0
        return self.learning_rate
