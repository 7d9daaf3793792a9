"""rnnkit: how gradients vanish and explode in recurrent networks, step by step.

    RNN, EncoderDecoder, generate, sample    networks of any cell, every gradient in the open
    train, Protocol                          many trained at once, on `tasks`; `recipes`: those of papers
    cells, parametrizations                  the equations of a unit, constraints on recurrent weights: yours too
    gradients                                log norms of all states, Jacobians, Lyapunov exponents, gradcheck, theory
    kernels, parallel                        compiled functions of arrays, serial and on all cores
    reference                                the same in NumPy, for reading
    results                                  tables of a sweep in pandas, which is loaded when it is asked for

Importing compiles nothing.
"""

from importlib import import_module
from typing import Any

import rnnkit._compile.self_test  # noqa: F401  runs before the first kernel, on a Numba that nobody tried
from rnnkit import (
    cells,
    gradients,
    initializers,
    kernels,
    networks,
    parallel,
    parametrizations,
    reference,
    rng,
    statistics,
    tasks,
    training,
)
from rnnkit.gradients import gradcheck, theory
from rnnkit.networks import RNN, EncoderDecoder, generate, recipes, sample
from rnnkit.training import Protocol, Trained, train

__version__ = "0.2.0"

__all__ = [
    "RNN",
    "EncoderDecoder",
    "Protocol",
    "Trained",
    "cells",
    "generate",
    "gradcheck",
    "gradients",
    "initializers",
    "kernels",
    "networks",
    "parallel",
    "parametrizations",
    "recipes",
    "reference",
    "rng",
    "sample",
    "statistics",
    "tasks",
    "theory",
    "train",
    "training",
]


def __getattr__(name: str) -> Any:
    if name == "results":
        return import_module("rnnkit.results")
    raise AttributeError(f"module 'rnnkit' has no attribute {name!r}")
