"""rnnkit: gradients of recurrent networks in the open."""

__version__ = "0.1.0"
