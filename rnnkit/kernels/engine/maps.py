"""Parametrizations of the recurrent weights in compiled code; see `rnnkit.parametrizations`."""

from numba.extending import overload

from rnnkit._compile.jit import jit
from rnnkit._compile.simd.pointers import call_map
from rnnkit.cells.descriptor import ENTRY, ENTRY_WORDS, GROUP, GROUP_WORDS, GROUPS, STATES
from rnnkit.kernels.engine.words import words
from rnnkit.parametrizations.compiled import NUMBER, OF_CONSTANTS, OF_FIXED, OF_PULLBACK, plain


def map_matrix(maps, word, V, dW, out, H):
    """Set out to what a parametrization makes of one matrix: OF_WEIGHTS of V, or OF_PULLBACK of V and dW; all flat."""
    matrices = [a.reshape(H, -1) for a in (V, dW)]
    one = plain(int(maps[NUMBER]))
    out.reshape(H, -1)[...] = one.of(matrices[0]) if word != OF_PULLBACK else one.back(*matrices)


@overload(map_matrix)
def _compiled_map_matrix(maps, word, V, dW, out, H):
    def run(maps, word, V, dW, out, H):
        call_map(maps[word], V, dW, out, maps[OF_FIXED], maps[OF_CONSTANTS], H, V.size // (H * H))

    return run


@jit
def map_recurrent(maps, word, cell, V, dW, out, H):
    """Do it with every recurrent matrix of a direction; V, dW and out: all of them in one row."""
    d = words(cell)
    last = d[GROUP] + (d[GROUPS] - 1) * GROUP_WORDS
    for state in range(d[STATES]):
        for e in range(d[last + 4] + d[last + 5]):
            entry = d[ENTRY] + e * ENTRY_WORDS
            if d[entry] == state:  # whichever product it enters: the matrix is the same
                first = d[entry + 1] * H * H
                end = first + d[entry + 2] * H * H
                map_matrix(maps, word, V[first:end], dW[first:end], out[first:end], H)
                break
