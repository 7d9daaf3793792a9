"""rnnkit: how gradients vanish and explode in recurrent networks, step by step.

`rnnkit.kernels` holds the compiled kernels, `rnnkit.parallel` the same on all cores, `rnnkit.checkpointed` BPTT of long
sequences, `rnnkit.theory` what the papers predict, `rnnkit.initializers` the weights, `rnnkit.gradcheck` and
`rnnkit.reference` what the kernels are held against. Importing compiles nothing.
"""

from rnnkit import (
    checkpointed,
    gradcheck,
    initializers,
    kernels,
    optimizers,
    parallel,
    reference,
    reference_gated,
    rng,
    schedules,
    statistics,
    theory,
    truncated,
)
from rnnkit.encoder_decoder import EncoderDecoder
from rnnkit.generation import generate, sample
from rnnkit.networks import RNN

__version__ = "0.1.0"

__all__ = [
    "RNN",
    "EncoderDecoder",
    "checkpointed",
    "generate",
    "gradcheck",
    "initializers",
    "kernels",
    "optimizers",
    "parallel",
    "reference",
    "reference_gated",
    "rng",
    "sample",
    "schedules",
    "statistics",
    "theory",
    "truncated",
]
