"""An optimizer by name: one set of hyperparameters, learning rate and state for all parameters of a net."""

import numpy as np

from rnnkit._arguments import choice, mapping
from rnnkit.kernels import optimizers as kernels
from rnnkit.kernels._checks import check_no_overlap
from rnnkit.kernels.optimizers import check_hyperparameters, check_update

HYPERPARAMETERS: dict[str, dict[str, float]] = {
    "sgd": {},
    "momentum": {"mu": 0.9},
    "nesterov": {"mu": 0.9},
    "rmsprop": {"alpha": 0.99, "epsilon": 1e-8},
    "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
}
STATE = {
    "sgd": (),
    "momentum": ("velocity",),
    "nesterov": ("velocity",),
    "rmsprop": ("square",),
    "adam": ("mean", "square"),
}
OPTIMIZERS = tuple(HYPERPARAMETERS)


class Optimizer:
    """Updates of `rnnkit.kernels.optimizers` for a dictionary of parameters.

    learning_rate: may be changed between steps. steps: how many were made.
    state: by parameter, then by array ("velocity", "square", "mean"); empty before the first step.
    """

    def __init__(self, name: str, learning_rate: float, **hyperparameters: float):
        """Take the name (one of OPTIMIZERS) and any hyperparameters that it has. Raises ValueError."""
        known = HYPERPARAMETERS[choice("name", name, OPTIMIZERS)]
        for hyperparameter in hyperparameters:
            if hyperparameter not in known:
                wanted = f"among {', '.join(known)}" if known else "none"
                raise ValueError(f"hyperparameters of {name} must be {wanted}, got {hyperparameter}")
        self.name, self.learning_rate, self.hyperparameters = name, learning_rate, known | hyperparameters
        check_hyperparameters(learning_rate=learning_rate, **self.hyperparameters)
        self.state: dict[str, dict[str, np.ndarray]] = {}
        self.steps = 0
        self._layouts: dict[str, tuple] = {}
        self._checked: tuple[int, ...] = ()  # the arrays that were found apart

    def __repr__(self) -> str:
        hyperparameters = {"learning_rate": self.learning_rate} | self.hyperparameters
        return f"Optimizer({self.name!r}, {', '.join(f'{key}={value!r}' for key, value in hyperparameters.items())})"

    def step(self, parameters: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        """Update the parameters in place.

        parameters, gradients: the same names, and by name arrays of one shape and dtype, C-contiguous; the same at
        every step, and no parameter twice under two names. Raises ValueError naming what is wrong, a gradient that is
        not finite too, before any change.
        """
        self._check(parameters, gradients)
        if not self.steps:
            self._layouts = _layouts(parameters)
            self.state = {key: {a: np.zeros_like(p) for a in STATE[self.name]} for key, p in parameters.items()}
        self.steps += 1
        count = (self.steps,) if self.name == "adam" else ()
        update = getattr(kernels, self.name)
        for key, p in parameters.items():
            update(
                p, gradients[key], *self.state[key].values(), *count, self.learning_rate, *self.hyperparameters.values()
            )

    def _check(self, parameters: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        check_hyperparameters(learning_rate=self.learning_rate, **self.hyperparameters)
        mapping("parameters", parameters)
        mapping("gradients", gradients)
        _check_keys("gradients", gradients, "parameters", parameters)
        if self.steps:
            _check_keys("parameters", parameters, "the first step", self._layouts)
        for key, p in parameters.items():
            g = gradients[key]
            check_update({f"parameters[{key!r}]": p}, {f"gradients[{key!r}]": g})
            if n_bad := g.size - np.count_nonzero(np.isfinite(g)):
                raise ValueError(f"gradients[{key!r}] must be finite, got {n_bad} non-finite values of {g.size}")
            if self.steps and (p.shape, p.dtype) != self._layouts[key]:
                shape, dtype = self._layouts[key]
                raise ValueError(f"parameters[{key!r}] must stay {dtype} {shape}, got {p.dtype} {p.shape}")
        if self._checked != (own := tuple(map(id, parameters.values()))):
            check_no_overlap({f"parameters[{key!r}]": p for key, p in parameters.items()}, {})
            self._checked = own


def _layouts(parameters: dict[str, np.ndarray]) -> dict[str, tuple]:
    return {key: (p.shape, p.dtype) for key, p in parameters.items()}


def _check_keys(name: str, given: dict, like: str, expected: dict) -> None:
    if given.keys() != expected.keys():
        missing, unknown = sorted(expected.keys() - given.keys()), sorted(given.keys() - expected.keys())
        raise ValueError(f"{name} must have the names of {like}, got missing: {missing}, unknown: {unknown}")
