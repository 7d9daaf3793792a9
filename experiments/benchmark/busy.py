"""Calls on all cores beside other work: forward + BPTT of one net, and a training of eight, quiet and with both busy.

Other work is one process a core that counts without end, stopped and continued in turns with quiet rounds. The serial
kernels take the same turns: threads should cost nothing where there is no core for them. Means, since it is the rare
call that waits for a thread which the system has put off. The peers' calls of the same nets are timed beside the same
work, in turns with rnnkit's.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import instances
import numpy as np
import pandas as pd
import trained
from contenders import Contenders

from rnnkit import kernels, parallel
from rnnkit.kernels import TANH
from rnnkit.runner.jobs.provenance import cores

CELLS = ((32, 20, 50), (64, 20, 100), (128, 128, 50))  # H, B, T
ROUNDS, SECONDS = 10, 0.5  # of quiet and of busy in turns, and of each contender in each
COUNT = "while True: pass"
Times = dict[tuple[str, int], list[float]]


@contextmanager
def other_work(n: int) -> Iterator[Callable[[bool], None]]:
    """Yield a function that lets n processes work, or has them stop."""
    processes = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(n)]

    def switch(on: bool) -> None:
        for process in processes:
            process.send_signal(signal.SIGCONT if on else signal.SIGSTOP)

    try:
        switch(False)
        yield switch
    finally:
        for process in processes:
            process.kill()
            process.wait()


def call(module: ModuleType, net: instances.Net) -> None:
    """Take one forward pass and BPTT of it."""
    h = module.rnn_forward(net.x, net.h_0, net.W_xh, net.W_hh, net.b_h, TANH)
    module.rnn_backward(net.last, net.x, h, net.W_xh, net.W_hh, TANH)


def times_of(contenders: dict[str, Callable[[], object]], n: int) -> Times:
    """Return the seconds of every call of each contender, quiet (0) and beside n busy processes."""
    found: Times = {(name, busy): [] for name in contenders for busy in (0, n)}
    for run in contenders.values():
        run()
    with other_work(n) as switch:
        for _ in range(ROUNDS):
            for busy in (0, n):
                switch(busy > 0)
                time.sleep(0.05)
                for name, run in contenders.items():
                    until = time.perf_counter() + SECONDS
                    while (start := time.perf_counter()) < until:
                        run()
                        found[name, busy].append(time.perf_counter() - start)
    return found


def busy(peers: Contenders) -> pd.DataFrame:
    """Return a row for each net: mean microseconds of a call, and their ratios."""
    rows, n = [], cores()
    for H, B, T in CELLS:
        net = instances.draw_net(np.random.default_rng(0), instances.Sizes("rnn", H, B, T))
        contenders = {"serial": lambda net=net: call(kernels, net), "threads": lambda net=net: call(parallel, net)}
        row = {"what": "forward + BPTT", "H": H, "B": B, "T": T} | _row(times_of(contenders, n), n)
        rows.append(row | beside_peers(peers, instances.Sizes("rnn", H, B, T), n))
    runs = trained.contenders(updates=100)
    of_training = times_of({"serial": runs["train on one thread"], "threads": runs["train"]}, n)
    cell = {"what": f"training of {trained.NETS} nets", "H": trained.H, "B": trained.B, "T": trained.T}
    return pd.DataFrame([*rows, cell | _row(of_training, n)])


def beside_peers(peers: Contenders, sizes: instances.Sizes, n: int) -> dict[str, object]:
    """Return the best peer beside n busy processes, and the mean of its calls over that of rnnkit's."""
    first = peers.load(sizes)
    with other_work(n) as switch:
        switch(True)
        times = peers.time(list(first), np.mean)
    ours = next(times.pop(run) for run in list(times) if run.contender == "rnnkit")
    best = min(times, key=times.get)
    return {"best_peer": best.contender, "best_peer/rnnkit": times[best] / ours}


def _row(times: Times, n: int) -> dict[str, float]:
    mean = {key: 1e6 * float(np.mean(seconds)) for key, seconds in times.items()}
    row = {"busy": n} | {
        f"{name}{'_busy' if b else ''}_us": mean[name, b] for b in (0, n) for name in ("serial", "threads")
    }
    ratios = {
        "busy/quiet": mean["threads", n] / mean["threads", 0],
        "serial_busy/quiet": mean["serial", n] / mean["serial", 0],
        "threads/serial": mean["threads", n] / mean["serial", n],
    }
    return row | ratios
