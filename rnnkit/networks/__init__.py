"""Networks of any cell that own their weights: forward, backward, truncation, sequences to sequences, files.

rnn                a network: forward.py, backward.py (BPTT), whole or segment by segment
truncation         BPTT(k1, k2)
encoder_decoder    one network reads, another writes; generation: symbols from what a network predicts
recipes            networks of the literature by name
storage            saved networks; torch_weights: from and to torch.nn
"""

from rnnkit.networks import recipes, torch_weights, truncation
from rnnkit.networks.by_state import State
from rnnkit.networks.encoder_decoder import EncoderDecoder
from rnnkit.networks.generation import generate, sample
from rnnkit.networks.rnn import RNN

__all__ = ["RNN", "EncoderDecoder", "State", "generate", "recipes", "sample", "torch_weights", "truncation"]
