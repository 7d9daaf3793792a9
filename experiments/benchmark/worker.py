"""A contender in a process of its own, and perhaps an environment of its own. It does what lines of text tell it to.

load KIND H B T I DTYPE FILE    take a net; reply: the names of the ways in which this contender runs it
train NETS UPDATES KIND ...     take that many nets, drawn here, to be trained to a target each; reply likewise
answer NAME FILE                run it once and write its gradients; reply: the seconds of that first call
version                         reply: the library's version
time NAME WARM SECONDS          run it for WARM seconds, then for SECONDS, one call at least; reply: seconds of each

Its one argument is rnnkit, jax or torch.
"""

import importlib
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import instances
import numpy as np


def main(peer: str) -> None:
    """Reply to each line, until there are no more."""
    library, runs = importlib.import_module(f"of_{peer}"), {}
    for line in sys.stdin:
        command, *words = line.split()
        if command == "load":
            sizes = instances.Sizes(words[0], *map(int, words[1:5]), words[5])
            net = instances.Net(*instances.read(Path(words[6]), instances.shapes(sizes), sizes.dtype))
            runs = library.gradients(sizes.kind, net)
            reply = list(runs)
        elif command == "train":
            sizes = instances.Sizes(words[2], *map(int, words[3:7]), words[7])
            drawn = [instances.draw_net(np.random.default_rng(r), sizes) for r in range(int(words[0]))]
            runs = library.training(drawn, int(words[1]))
            reply = list(runs)
        elif command == "answer":
            start = time.perf_counter()
            answer = runs[words[0]]()
            reply = [time.perf_counter() - start]
            instances.write(Path(words[1]), tuple(np.asarray(a) for a in answer))
        elif command == "version":
            reply = [version(peer)]
        else:
            reply = timed(runs[words[0]], float(words[1]), float(words[2]))
        print(*reply, flush=True)


def timed(run: Callable[[], object], warm: float, seconds: float) -> list[float]:
    """Return the seconds of calls, after the library's threads have had time to wake."""
    until = time.perf_counter() + warm
    while time.perf_counter() < until:
        run()
    found, start = [], time.perf_counter()
    while not found or time.perf_counter() < start + seconds:
        before = time.perf_counter()
        run()
        found.append(time.perf_counter() - before)
    return found


if __name__ == "__main__":
    main(sys.argv[1])
