"""How a batch is partitioned into shards and its steps into chunks: by the size of the batch alone.

So every form of the kernels and every number of threads adds in the same order, and gives the same bytes.
"""

from rnnkit._compile.jit import jit

SHARD_ROWS, MAX_SHARDS = 8, 8  # at least 8 rows: fewer leave the registers of a tile empty
CHUNK_ROWS = 128  # rows of a chunk: 64 to 256 were alike, above that it leaves the L2 cache at H = 512


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
def chunk_steps(B):
    """Return the steps of one chunk; the same for all shards of a batch of B rows."""
    return max(1, CHUNK_ROWS * count_shards(B) // B)
