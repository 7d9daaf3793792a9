"""An optimizer by name: one setting, learning rate and state for all parameters of a net."""

import numpy as np

from rnnkit._arguments import choice, mapping
from rnnkit.kernels import optimizers as kernels
from rnnkit.kernels._checks import check_apart
from rnnkit.kernels.optimizers import check_settings, check_update

SETTINGS: dict[str, dict[str, float]] = {
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
OPTIMIZERS = tuple(SETTINGS)


class Optimizer:
    """Updates of `rnnkit.kernels.optimizers` for a dictionary of parameters.

    learning_rate: may be changed between steps. steps: how many were made.
    state: by parameter, then by array ("velocity", "square", "mean"); empty before the first step.
    """

    def __init__(self, name: str, learning_rate: float, **settings: float):
        """Take the name (one of OPTIMIZERS) and any of the settings that SETTINGS has for it. Raises ValueError."""
        allowed = SETTINGS[choice("name", name, OPTIMIZERS)]
        for setting in settings:
            if setting not in allowed:
                raise ValueError(f"{setting} is no setting of {name}; allowed: {', '.join(allowed) or 'none'}")
        self.name, self.learning_rate, self.settings = name, learning_rate, allowed | settings
        check_settings(learning_rate=learning_rate, **self.settings)
        self.state: dict[str, dict[str, np.ndarray]] = {}
        self.steps = 0
        self._layouts: dict[str, tuple] = {}
        self._apart: tuple[int, ...] = ()  # the arrays that were found apart

    def __repr__(self) -> str:
        settings = {"learning_rate": self.learning_rate} | self.settings
        return f"Optimizer({self.name!r}, {', '.join(f'{key}={value!r}' for key, value in settings.items())})"

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
            update(p, gradients[key], *self.state[key].values(), *count, self.learning_rate, *self.settings.values())

    def _check(self, parameters: dict[str, np.ndarray], gradients: dict[str, np.ndarray]) -> None:
        check_settings(learning_rate=self.learning_rate, **self.settings)
        mapping("parameters", parameters)
        mapping("gradients", gradients)
        _check_keys("gradients", gradients, "parameters", parameters)
        if self.steps:
            _check_keys("parameters", parameters, "the first step", self._layouts)
        for key, p in parameters.items():
            g = gradients[key]
            check_update({f"parameters[{key!r}]": p}, {f"gradients[{key!r}]": g})
            if n_bad := g.size - np.count_nonzero(np.isfinite(g)):
                raise ValueError(f"gradients[{key!r}] holds {n_bad} non-finite values of {g.size}")
            if self.steps and (p.shape, p.dtype) != self._layouts[key]:
                shape, dtype = self._layouts[key]
                raise ValueError(f"parameters[{key!r}] must stay {dtype} {shape}, got {p.dtype} {p.shape}")
        if self._apart != (own := tuple(map(id, parameters.values()))):
            check_apart({f"parameters[{key!r}]": p for key, p in parameters.items()}, {})
            self._apart = own


def _layouts(parameters: dict[str, np.ndarray]) -> dict[str, tuple]:
    return {key: (p.shape, p.dtype) for key, p in parameters.items()}


def _check_keys(name: str, given: dict, like: str, expected: dict) -> None:
    if given.keys() != expected.keys():
        missing, unknown = sorted(expected.keys() - given.keys()), sorted(given.keys() - expected.keys())
        raise ValueError(f"{name} must have the names of {like}; missing: {missing}, unknown: {unknown}")
