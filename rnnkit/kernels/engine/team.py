"""Products that two threads share: with a few rows a step is mostly reading W, and each core keeps half of it in cache.

The owner of a step posts a job, the right half of a product's columns, makes the left half, and then the right one too
unless the helper has claimed it meanwhile: it waits for what is under way, never for a thread that the system has put
off before it began. Each column is summed as it would be alone, so the bytes are the same.

    team    int64 words, or none without a helper: the last job posted, the last one claimed, the last one done, whether
            all is done, in how many pauses the owner waited long, each on a cache line of its own; then what the job is
"""

import numpy as np
from numba import carray

from rnnkit._compile.jit import jit, jit_inlined
from rnnkit._compile.simd.atomics import load, pause, replace, store
from rnnkit._compile.simd.pointers import numbers_at
from rnnkit._compile.simd.subnormals import flush_subnormals, restore_subnormals
from rnnkit._compile.simd.vectors import VECTOR_BYTES
from rnnkit.kernels.products import cover

LINE = 8  # words of a cache line
POSTED, CLAIMED, DONE, ENDED, STALLED, JOB = (LINE * i for i in range(6))
LEAST = 1 << 14  # multiplications below which a product is not shared: handing over takes some .3 us
PATIENCE = 5000  # pauses, some 100 us: so long only a helper that the system has put off lets one wait
MOST_NUMBERS = 1 << 60  # that an array is told it has


@jit
def no_team():
    """Return the words of nobody."""
    return np.empty(0, np.int64)


@jit
def new_team():
    """Return the words of an owner and a helper; a job is 15."""
    return np.zeros(JOB + 2 * LINE, np.int64)


@jit
def end_team(team):
    """Let the helper go."""
    if team.size > 0:
        store(team, ENDED, 1)


@jit
def help_team(team, like):
    """Do the owner's jobs, products of numbers as those of the array `like`, until it ends."""
    mode = flush_subnormals()
    while load(team, ENDED) == 0:
        job = load(team, POSTED)
        if job > load(team, CLAIMED) and replace(team, CLAIMED, job - 1, job):
            do_job(team, like)
            store(team, DONE, job)
        pause()
    restore_subnormals(mode)


@jit
def do_job(team, like):
    """Make the columns that are posted."""
    C, c_row, c_vector, A, a_row, a_k, P, p_vector, p_k, rows, vectors, K, height, width, keep = (
        team[JOB], team[JOB + 1], team[JOB + 2], team[JOB + 3], team[JOB + 4], team[JOB + 5], team[JOB + 6],
        team[JOB + 7], team[JOB + 8], team[JOB + 9], team[JOB + 10], team[JOB + 11], team[JOB + 12], team[JOB + 13],
        team[JOB + 14],
    )  # fmt: skip
    size = (MOST_NUMBERS,)
    out, left, right = (
        carray(numbers_at(C, like), size), carray(numbers_at(A, like), size), carray(numbers_at(P, like), size),
    )  # fmt: skip
    cover(
        out, 0, c_row, c_vector, left, 0, a_row, a_k, right, 0, p_vector, p_k, rows, vectors, K, (height, width), keep
    )


@jit_inlined
def share_product(team, C, c, A, a, rows, P, p, vectors, K, tile, keep):
    """Do `product`, with a helper if any. The matrix (vectors, K, lanes) is packed from element p of P on."""
    lanes = VECTOR_BYTES // C.itemsize
    share(team, C, c, C.shape[1], lanes, A, a, A.shape[1], 1, P, p, K * lanes, lanes, rows, vectors, K, tile, keep)


@jit_inlined
def share_outer_products(team, C, c, K, vectors, A, a, D, d, n, tile):
    """Do `add_outer_products` into a matrix of strips (`sums.py`), with a helper if any."""
    lanes = VECTOR_BYTES // C.itemsize
    share(team, C, c, tile[1] * lanes, K * lanes, A, a, 1, A.shape[1], D, d, lanes, D.shape[1], K, vectors, n, tile, 1)


@jit
def describe_job(team, i, *words):  # noqa: ANN002
    """Write words of a job from number i on; those that stay leave the helper's copy of their cache line as it is."""
    for k in range(len(words)):
        if team[JOB + i + k] != words[k]:
            team[JOB + i + k] = words[k]


@jit_inlined
def share(team, C, c, c_row, c_vector, A, a, a_row, a_k, P, p, p_vector, p_k, rows, vectors, K, tile, keep):
    """Do `cover`, with a helper if any."""
    if team.size == 0:
        cover(C, c, c_row, c_vector, A, a, a_row, a_k, P, p, p_vector, p_k, rows, vectors, K, tile, keep)
    else:
        share_columns(team, C, c, c_row, c_vector, A, a, a_row, a_k, P, p, p_vector, p_k, rows, vectors, K, tile, keep)


@jit
def share_columns(team, C, c, c_row, c_vector, A, a, a_row, a_k, P, p, p_vector, p_k, rows, vectors, K, tile, keep):
    """Do `cover` with the helper, where the product is worth it."""
    own, bytes_ = (vectors + 1) // 2, C.itemsize
    own = min(vectors, (own + tile[1] - 1) // tile[1] * tile[1])
    if own == vectors or rows * vectors * K * (VECTOR_BYTES // bytes_) < LEAST:
        cover(C, c, c_row, c_vector, A, a, a_row, a_k, P, p, p_vector, p_k, rows, vectors, K, tile, keep)
        return
    to, strip = c + own * c_vector, p + own * p_vector
    describe_job(team, 0, C.ctypes.data + to * bytes_, c_row, c_vector, A.ctypes.data + a * bytes_, a_row, a_k)
    describe_job(team, 6, P.ctypes.data + strip * bytes_, p_vector, p_k, rows)
    describe_job(team, 10, vectors - own, K, tile[0], tile[1], keep)
    job = team[POSTED] + 1
    store(team, POSTED, job)
    cover(C, c, c_row, c_vector, A, a, a_row, a_k, P, p, p_vector, p_k, rows, own, K, tile, keep)
    if replace(team, CLAIMED, job - 1, job):
        cover(C, to, c_row, c_vector, A, a, a_row, a_k, P, strip, p_vector, p_k, rows, vectors - own, K, tile, keep)
    else:
        waited = 0
        while load(team, DONE) < job:
            waited += 1
            pause()
        if waited > PATIENCE:
            team[STALLED] += waited
