"""How a batch is partitioned into shards and its steps into chunks: by the size of the batch alone.

So every form of the kernels and every number of threads adds in the same order, and gives the same bytes. Which shards
go through the steps together changes no byte: their rows meet in no sum.
"""

from rnnkit._compile.jit import jit

SHARD_ROWS, MAX_SHARDS = 8, 8  # at least 8 rows: fewer leave the registers of a tile empty
CHUNK_ROWS = 128  # rows of a chunk: 64 to 256 were alike, above that it leaves the L2 cache at H = 512
# Weights of more bytes than an L2 cache holds are read once a step for up to so many rows of several shards. Float32
# GFLOP/s of a core (AVX-512) for 16, 32, 64 and 128 rows: with W (519, 2048) 124, 140, 156 and 160; with W (519, 512),
# 1 MB, 169, 161, 167 and 162.
LEAST_TOGETHER, ROWS_TOGETHER = 1 << 20, 64


@jit
def count_shards(B):
    """Return how many shards a batch of B rows is partitioned into."""
    return max(1, min(B // SHARD_ROWS, MAX_SHARDS))


@jit
def shard_bounds(shard, B):
    """Return the first row of a shard and the number of its rows."""
    n = count_shards(B)
    first = shard * B // n
    return first, (shard + 1) * B // n - first


@jit
def shards_together(B, threads, weights):
    """Return how many shards a task takes through the steps together; weights: bytes of W."""
    n = count_shards(B)
    if weights < LEAST_TOGETHER:
        return 1
    return max(1, min((n + threads - 1) // threads, ROWS_TOGETHER * n // B))


@jit
def count_tasks(B, together):
    """Return how many tasks a batch makes."""
    return (count_shards(B) + together - 1) // together


@jit
def task_bounds(task, together, B):
    """Return the first row of a task, the number of its rows, its first shard and the one after its last."""
    n = count_shards(B)
    begin, end = task * together, min((task + 1) * together, n)
    first = begin * B // n
    return first, end * B // n - first, begin, end


@jit
def chunk_steps(B):
    """Return the steps of one chunk; the same for all shards of a batch of B rows."""
    return max(1, CHUNK_ROWS * count_shards(B) // B)
