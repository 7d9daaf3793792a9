"""The only package that makes threads: shards of one batch, or replicates of one point, spread over the cores.

    from rnnkit.parallel import rnn_forward, rnn_backward       the serial kernels' arguments and bytes, on all cores

A batch is partitioned by its size alone (`rnnkit.kernels.partition`), and results are joined in order, so 1 thread, N
threads and the serial kernels give the same bytes. NUMBA_NUM_THREADS or `set_num_threads` say how many threads run, of
replicates too where a call does not say it.

Shards run on a pool of our own (`rnnkit.parallel.pool`), begun by the first call and anew in a forked child. One call
at a time has it, others run their shards themselves. Mean microseconds of forward + BPTT, H 64, B 20, T 100, in turns
with the serial kernels (860 to 1,010 quiet, 1,360 to 2,460 beside two processes that keep both cores busy), one run of
each, when threads still took shards beside each other (`benchmark.py --only busy` measures this pool anew):

    layer                            quiet   busy   busy / quiet   busy / serial busy
    this pool                          713   1427       2.0              0.8
    numba's OpenMP                     636   4405       6.9              2.4
    the same, OMP_WAIT_POLICY=PASSIVE  722   1653       2.3              0.9
    numba's TBB (PyPI's 2021.13)       866   2176       2.5              0.9
    numba's workqueue                  910   1884       2.1              1.4

OpenMP deals out shards in advance and spins for milliseconds, is not on every machine, and cannot be used after a fork;
workqueue ends the process when two threads call at once. Quiet, this pool takes .92 to 1.06 times as long as OpenMP (H
16 to 512, batches of 1, 20 and 128, 50 steps; medians of 24 turns). It took 1.2 times at 16 and 32 units while threads
counted references to the same arrays and took shards beside each other, and 1.1 times there with 10 us of spinning.
Handing over through a ThreadPoolExecutor costs 100 us, longer than a small net's whole sequence.

A batch under 16 rows is one shard. From some 180 units on two threads share the products of its steps, each with half
of the columns of W in its core's L2 cache (`rnnkit.kernels.engine.team`). Medians of forward + BPTT, one row of 512
units, 50 steps: 1.1 ms for 1.7 on one core; beside two processes that keep both cores busy 1.6 to 2.2 ms for 1.7 to
1.8, but means of 3.4 to 5.0 for 2.6 to 2.9: what a helper has begun is waited for, and the system may put it off
there.
"""

from rnnkit.parallel.layers import backward_layer, forward_layer
from rnnkit.parallel.replicates import Cancellation, map_replicates
from rnnkit.parallel.sequences import (
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_backward_checkpointed,
    rnn_forward,
    rnn_forward_checkpointed,
)
from rnnkit.parallel.threads import get_num_threads, set_num_threads, threading_layer

__all__ = [
    "Cancellation",
    "backward_layer",
    "forward_layer",
    "get_num_threads",
    "gru_backward",
    "gru_forward",
    "lstm_backward",
    "lstm_forward",
    "map_replicates",
    "rnn_backward",
    "rnn_backward_checkpointed",
    "rnn_forward",
    "rnn_forward_checkpointed",
    "set_num_threads",
    "threading_layer",
]
