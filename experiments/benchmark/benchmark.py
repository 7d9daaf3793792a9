"""rnnkit beside the strongest peers on this machine's CPU: forward + BPTT of RNNs, LSTMs and GRUs, training of many.

    python experiments/benchmark/benchmark.py                 everything; tables, page and picture in results/benchmark
    python experiments/benchmark/benchmark.py --only rnn      one part: rnn, lstm, gru, training, trained, long, busy
    python experiments/benchmark/benchmark.py --only rnn --hidden 50 --batch 20 --steps 50 --out DIR      one cell

Contenders: oneDNN's primitives with 1 and 2 threads, today's JAX, JAX 0.4.31, PyTorch with 1 and 2 threads
(`environments.py` makes what they need in outputs/benchmark); each in a process of its own. They take turns. PyTorch's
and XLA's threads go on spinning after a call, so each works by itself for a while before its calls are timed. Medians.
All gradients are compared before anything is timed. Compilation, and all else that a first call does, stands in a
column of its own. A cell's ratio is the time of the best of all peers over rnnkit's. Its limit (`limits.py`) is
measured before and after the contenders, not in turn with them: OpenBLAS's threads spin for 30 ms, and what came next
took four times as long.
"""

import argparse
import itertools
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import busy
import instances
import limits
import pandas as pd
import trained
from contenders import Contenders, Run
from environments import commands
from long import long_sequences
from numba.core.config import NUMBA_NUM_THREADS
from page import write
from threadpoolctl import threadpool_info
from tqdm import tqdm

ROOT = Path(__file__).parents[2]
OUT, ENVIRONMENTS = ROOT / "results" / "benchmark", ROOT / "outputs" / "benchmark"
HIDDEN, BATCH, STEPS = (16, 32, 50, 64, 100, 128, 256, 512), (1, 20, 128), (50, 200)
REPLICATES = ((8, 50, 50), (8, 50, 200), (32, 50, 50), (8, 128, 100), (32, 128, 100))  # nets, H, T; 20 samples each
UPDATES = 10  # of a training call
KINDS, ALONE = tuple(instances.GATES), ("trained", "long")  # the latter need no peer


def one_net(contenders: Contenders, kind: str, cells: list[tuple[int, int, int]]) -> pd.DataFrame:
    """Time forward + BPTT of one net in every cell (H, B, T)."""
    rows = []
    for H, B, T in tqdm(cells, desc=kind, disable=None):
        sizes = instances.Sizes(kind, H, B, T)
        gemm = limits.gemm_rate(sizes.dtype)
        first = contenders.load(sizes)
        times = contenders.time(list(first))
        gemm = (gemm + limits.gemm_rate(sizes.dtype)) / 2
        limit = limits.limit_seconds(sizes, gemm, NUMBA_NUM_THREADS)
        rows.append({"H": H, "B": B, "T": T} | row_of(times, first, limit) | {"gemm_gflops": gemm / 1e9})
    return pd.DataFrame(rows)


def training(contenders: Contenders) -> pd.DataFrame:
    """Time one training update of all nets in every cell."""
    rows = []
    for n, H, T in tqdm(REPLICATES, desc="training", disable=None):
        sizes = instances.Sizes("rnn", H, 20, T)
        gemm = limits.gemm_rate(sizes.dtype)
        first = contenders.load_training(n, UPDATES, sizes)
        times = {run: seconds / UPDATES for run, seconds in contenders.time(list(first)).items()}
        gemm = (gemm + limits.gemm_rate(sizes.dtype)) / 2
        limit = n * limits.flops_of(sizes) / gemm
        rows.append({"nets": n, "H": H, "B": 20, "T": T} | row_of(times, first, limit) | {"gemm_gflops": gemm / 1e9})
    return pd.DataFrame(rows)


def row_of(times: dict[Run, float], first: dict[Run, float], limit: float) -> dict[str, object]:
    """Return microseconds of each contender's best way, its ratio to rnnkit's, and seconds of first calls."""
    best = {run.contender: run for run in sorted(times, key=times.get, reverse=True)}
    found: dict[str, object] = {f"{name}_us": 1e6 * times[run] for name, run in best.items()}
    ours, peers = times[best.pop("rnnkit")], {name: times[run] for name, run in best.items()}
    peer = min(peers, key=peers.get)
    found |= {"best_peer": peer, "best_peer/rnnkit": peers[peer] / ours}
    found |= {"limit_us": 1e6 * limit, "limit_share": limit / ours}
    return found | {"first_s": max(s for run, s in first.items() if run.contender == "rnnkit")}


def environment(versions: dict[str, str], missing: dict[str, str]) -> pd.DataFrame:
    """Return versions, CPU, BLAS and threads of this run, those of contenders, and why a peer is missing."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = {f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in pools}
    found = {"CPU": cpu(), "cores": NUMBA_NUM_THREADS, "BLAS": ", ".join(sorted(blas))}
    found |= {"python": platform.python_version()}
    found |= {name: version(name) for name in ("numpy", "scipy", "numba", "llvmlite")} | versions
    found |= {f"without {name}": reason for name, reason in missing.items()}
    return pd.DataFrame(found.items(), columns=["what", "value"])


def cpu() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    name = next((line for line in lines if line.startswith("model name")), platform.processor())
    return name.split(":")[-1].strip()


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be an integer >= 1, got {text!r}")
    return int(text)


def measure(asked: argparse.Namespace) -> dict[str, pd.DataFrame]:
    """Return the tables of the parts that are asked for."""
    alone = {"trained": trained.trained_nets, "long": long_sequences}
    parts = (*KINDS, "training", "busy", *alone) if asked.only is None else (asked.only,)
    new = {name: alone[name]().assign(CPU=cpu()) for name in parts if name in alone}
    if set(parts) <= set(alone):
        return new
    found, missing = commands(asked.environments)
    for name, reason in missing.items():
        print(f"without {name}: {reason}", file=sys.stderr)
    with Contenders(found) as contenders:
        cells = list(itertools.product(asked.hidden, asked.batch, asked.steps))
        new |= {kind: one_net(contenders, kind, cells) for kind in KINDS if kind in parts}
        if "training" in parts:
            new["training"] = training(contenders)
        if "busy" in parts:
            new["busy"] = busy.busy(contenders)
        return new | {"environment": environment(contenders.versions(), missing)}


def main(arguments: list[str] | None = None) -> None:
    """Run what is asked for and write the tables, the page and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, values, what in (("hidden", HIDDEN, "units"), ("batch", BATCH, "sequences"), ("steps", STEPS, "steps")):
        default = " ".join(map(str, values))
        said = f"numbers of {what} in a cell of the table, by default {default}"
        parser.add_argument(f"--{name}", type=_size, nargs="+", default=list(values), metavar="N", help=said)
    parts = (*KINDS, "training", "busy", *ALONE)
    parser.add_argument("--only", choices=parts, help="one part instead of all")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the tables")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="folder for the peers' environments")
    asked = parser.parse_args(arguments)
    whole_grid = (asked.hidden, asked.batch, asked.steps) == (list(HIDDEN), list(BATCH), list(STEPS))
    if not whole_grid and asked.out == OUT:
        parser.error(f"--out must be a folder of its own for some of the cells, got {OUT}, which has the table of all")
    write(asked.out, measure(asked))


if __name__ == "__main__":
    main()
