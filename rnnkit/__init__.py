"""rnnkit: how gradients vanish and explode in recurrent networks, step by step.

`RNN`, `EncoderDecoder` and `generate` are networks of any cell, with the gradient of every part; `hidden` and
`lyapunov` what becomes of gradients on their way; `optimizers`, `schedules` and `truncated` how they train. `train`
trains many by a `Protocol` on `tasks`, `recipes` has the networks of the literature. Below them `kernels` holds the
compiled kernels, `parallel` the same on all cores, `checkpointed` BPTT of long sequences. `theory` is what the papers
predict, `initializers` the weights, `gradcheck`, `reference` and `reference_gated` what all is held against. Importing
compiles nothing.
"""

from rnnkit import (
    checkpointed,
    gradcheck,
    hidden,
    initializers,
    kernels,
    lyapunov,
    optimizers,
    parallel,
    parametrizations,
    recipes,
    reference,
    reference_gated,
    rng,
    schedules,
    statistics,
    tasks,
    theory,
    torch_weights,
    truncated,
)
from rnnkit.encoder_decoder import EncoderDecoder
from rnnkit.generation import generate, sample
from rnnkit.networks import RNN
from rnnkit.protocol import Protocol
from rnnkit.training import Trained, train

__version__ = "0.1.0"

__all__ = [
    "RNN",
    "EncoderDecoder",
    "Protocol",
    "Trained",
    "checkpointed",
    "generate",
    "gradcheck",
    "hidden",
    "initializers",
    "kernels",
    "lyapunov",
    "optimizers",
    "parallel",
    "parametrizations",
    "recipes",
    "reference",
    "reference_gated",
    "rng",
    "sample",
    "schedules",
    "statistics",
    "tasks",
    "theory",
    "torch_weights",
    "train",
    "truncated",
]
