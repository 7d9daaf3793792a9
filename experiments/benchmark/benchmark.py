"""rnnkit, JAX and PyTorch side by side on this machine's CPU: forward + BPTT of one net, and training of many.

    pip install -e .[bench]
    python experiments/benchmark/benchmark.py   everything: tables and figure in results/benchmark
    python experiments/benchmark/benchmark.py --only long   long sequences alone; needs neither JAX nor PyTorch; so does
    python experiments/benchmark/benchmark.py --only trained   a training beside its forward passes and BPTT; so does
    python experiments/benchmark/benchmark.py --only busy   calls on all cores beside processes that keep the cores busy
    python experiments/benchmark/benchmark.py --only single --hidden 50 --batch 20 --steps 50 --out DIR   one cell

Method. One process; contenders take turns, run by run. PyTorch's and XLA's threads go on spinning after a call, so
each contender works WARM_SECONDS by itself before every timed call. Medians. All answers are compared before anything
is timed. Compilation, and everything else a first call does, stands in columns of its own. The limit is the time of the
6 T B H^2 + 4 T B H I flops of the products alone, at the rate of a 2048^3 product of the same dtype on all cores, the
median of five before and five after the contenders of the cell. It takes no turns with them: OpenBLAS's threads spin
for 30 ms, and what came next, rnnkit, took four times as long.
"""

import argparse
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import busy
import gated_peers as gated
import numpy as np
import pandas as pd
import peers
import trained
from numba.core.config import NUMBA_NUM_THREADS
from threadpoolctl import threadpool_info
from tqdm import tqdm

from rnnkit.runner.tables.figures import ratios_by_hidden_size

OUT = Path(__file__).parents[2] / "results" / "benchmark"
GATED_HIDDEN, GATED_STEPS = (32, 64, 128, 256), 100
HIDDEN, BATCH, STEPS, INPUTS = (16, 32, 50, 64, 100, 128, 256, 512), (1, 20, 128), (50, 200), 6
DIAGONAL = ((16, 1, 50), (32, 20, 50), (50, 20, 200), (64, 20, 200), (100, 128, 50), (128, 20, 50), (256, 20, 200))
REPLICATES = ((8, 50, 50), (8, 50, 200), (32, 50, 50), (8, 128, 100), (32, 128, 100))  # nets, H, T; 20 samples each
UPDATES = 10  # of a training call
LONG, LONG_H, LONG_B = (1000, 10_000, 100_000), 128, 16  # steps of long sequences
WARM_SECONDS = 0.02
SECONDS_EACH, RUNS = 1.0, (5, 21)  # timed calls of a contender: as many as fit, within these bounds
AGREEMENT = {"float32": 2e-3, "float64": 1e-9}  # of the largest entry; sums of 200 steps in another order
GEMM = 2048
ALONE = ("trained", "long", "busy")  # need neither JAX nor PyTorch
TABLES = ("table", "gated", "replicates", "trained", "long", "busy", "environment")


def seconds(function: Callable) -> float:
    """Return the seconds one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def interleaved(contenders: peers.Contenders) -> dict[str, float]:
    """Return the median seconds of each contender; they take turns, each warm from its own work."""
    longest = max(seconds(run) for run in contenders.values())
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(int(np.clip(SECONDS_EACH / longest, *RUNS))):
        for name, run in contenders.items():
            until = time.perf_counter() + WARM_SECONDS
            run()
            while time.perf_counter() < until:
                run()
            times[name].append(seconds(run))
    return {name: float(np.median(t)) for name, t in times.items()}


def first_calls(contenders: peers.Contenders, dtype: str) -> dict[str, float]:
    """Return the seconds of each contender's first call; raise ArithmeticError where answers differ."""
    expected, first = None, {}
    for name, run in contenders.items():
        start = time.perf_counter()
        answer = run()
        first[name] = time.perf_counter() - start
        answer = [np.asarray(a).copy() for a in answer]
        expected = expected or answer
        for a, e in zip(answer, expected, strict=True):
            if not np.abs(a - e).max() <= AGREEMENT[dtype] * np.abs(e).max():
                raise ArithmeticError(f"{name} and rnnkit differ by {np.abs(a - e).max() / np.abs(e).max():.1e}")
    return first


def row(key: dict, contenders: peers.Contenders, dtype: str, flops: float, per_call: int = 1) -> dict:
    """Time one cell; of the peers, the better variant counts. Microseconds, compilation in seconds."""
    gemm = gemm_seconds(dtype)
    first = first_calls(contenders, dtype)
    times = {name: 1e6 * t / per_call for name, t in interleaved(contenders).items()}
    gemm += gemm_seconds(dtype)
    found = {**key, "rnnkit_us": times["rnnkit"], "flops": flops, "gemm_s": float(np.median(gemm))}
    for peer in ("jax", "torch"):
        best = min((name for name in times if name.startswith(peer)), key=times.get)
        found |= {f"{peer}_us": times[best], f"{peer}_best": best.removeprefix(peer + " ")}
        found[f"{peer}/rnnkit"] = times[best] / times["rnnkit"]
    return found | {"first_s": first["rnnkit"], "jax_first_s": max(s for n, s in first.items() if n.startswith("jax"))}


def gemm_seconds(dtype: str) -> list[float]:
    """Return the seconds of five products of GEMM^3 on all cores."""
    a = np.ones((GEMM, GEMM), dtype)
    out = np.empty_like(a)
    return [seconds(lambda: np.dot(a, a, out)) for _ in range(5)]


def flops_of(H: int, B: int, T: int) -> float:
    """Return the flops of the products of one forward + BPTT."""
    return 6.0 * T * B * H * H + 4.0 * T * B * H * INPUTS


def single(cells: list[tuple]) -> pd.DataFrame:
    """Time forward + BPTT of one net in every cell."""
    rows = []
    for H, B, T, dtype in tqdm(cells, desc="one net", disable=None):
        net = peers.draw_net(np.random.default_rng(0), H, B, T, INPUTS, dtype)
        contenders = peers.rnnkit_gradients(net) | peers.jax_gradients(net) | peers.torch_gradients(net)
        rows.append(row({"H": H, "B": B, "T": T, "dtype": dtype}, contenders, dtype, flops_of(H, B, T)))
    return with_limit(pd.DataFrame(rows))


def gated_cells() -> pd.DataFrame:
    """Time forward + BPTT of one LSTM and one GRU in every cell."""
    rows = []
    for cell, H, B in tqdm(
        [(c, H, B) for c in gated.GATES for H in GATED_HIDDEN for B in BATCH], desc="gated", disable=None
    ):
        net = gated.draw_gated(np.random.default_rng(0), cell, H, B, GATED_STEPS, INPUTS, "float32")
        contenders = gated.rnnkit_gated(cell, net) | gated.jax_gated(cell, net) | gated.torch_gated(cell, net)
        key = {"cell": cell, "H": H, "B": B, "T": GATED_STEPS, "dtype": "float32"}
        rows.append(row(key, contenders, "float32", gated.GATES[cell] * flops_of(H, B, GATED_STEPS)))
    return with_limit(pd.DataFrame(rows))


def replicates(cells: list[tuple]) -> pd.DataFrame:
    """Time one training update of all nets in every cell."""
    rows = []
    for R, H, T in tqdm(cells, desc="training", disable=None):
        nets = [peers.draw_net(np.random.default_rng(r), H, 20, T, INPUTS, "float32") for r in range(R)]
        contenders = {}
        for make in (peers.rnnkit_training, peers.jax_training, peers.torch_training):
            contenders |= make(nets, UPDATES)
        key = {"nets": R, "H": H, "B": 20, "T": T}
        rows.append(row(key, contenders, "float32", R * flops_of(H, 20, T), UPDATES))
    return with_limit(pd.DataFrame(rows).assign(dtype="float32"))


def trained_nets() -> pd.DataFrame:
    """Time whole trainings beside their forward passes and BPTT alone."""
    runs = trained.contenders()
    times = interleaved({name: runs[name] for name in ("bare", "train")})
    updates = trained.NETS * trained.UPDATES
    row = {"nets": trained.NETS, "H": trained.H, "B": trained.B, "T": trained.T}
    row |= {f"{name}_us": 1e6 * t / updates for name, t in times.items()}
    return pd.DataFrame([row | {"train/bare": times["train"] / times["bare"]}])


def long_sequences() -> pd.DataFrame:
    """Time and weigh forward + BPTT of long sequences, with all states kept and with checkpoints."""
    cells = [(T, form) for T in LONG for form in ("plain", "checkpointed")]
    times = interleaved({cell: peers.long_gradients(cell[1], draw_long(cell[0])) for cell in cells})
    rows = [{"T": T, "form": form, "us_per_step": 1e6 * times[T, form] / T} for T, form in cells]
    memory = [_memory_in_new_process(form, T) for T, form in tqdm(cells, desc="memory", disable=None)]
    return pd.DataFrame(rows).assign(megabytes=memory, H=LONG_H, B=LONG_B)


def draw_long(T: int) -> peers.Net:
    """Return a net for a long sequence."""
    return peers.draw_net(np.random.default_rng(0), LONG_H, LONG_B, T, INPUTS, "float32")


def _memory_in_new_process(form: str, T: int) -> float:
    command = [sys.executable, __file__, "--weigh", form, str(T)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def weigh(form: str, T: int) -> float:
    """Return the megabytes (2^20) that one forward + BPTT needs at its peak, beside inputs and returned gradients."""
    peers.long_gradients(form, draw_long(10))()  # loads the code
    run = peers.long_gradients(form, draw_long(T))
    before = _status("VmRSS")
    gradients = run()
    return (_status("VmHWM") - before) / 2**20 - sum(g.nbytes for g in gradients) / 2**20


def _status(key: str) -> int:
    """Return a size in bytes from Linux's account of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith(key)).split()[1])


def with_limit(table: pd.DataFrame) -> pd.DataFrame:
    """Add the time of the products alone, at the GEMM rate of the cell."""
    table["gemm_gflops"] = 2e-9 * GEMM**3 / table.pop("gemm_s")
    table["limit_us"] = 1e-3 * table.pop("flops") / table["gemm_gflops"]
    table["limit_share"] = table["limit_us"] / table["rnnkit_us"]
    return table


def environment() -> pd.DataFrame:
    """Return versions, CPU, BLAS and threads of this run."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    blas = {f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in pools}
    found = {"CPU": cpu(), "cores": NUMBA_NUM_THREADS, "BLAS": ", ".join(sorted(blas))}
    found |= {"python": platform.python_version()}
    libraries = ("rnnkit", "numpy", "scipy", "numba", "llvmlite", "jax", "jaxlib", "torch")
    found |= {name: version(name) for name in libraries}
    return pd.DataFrame(found.items(), columns=["what", "value"])


def cpu() -> str:
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    name = next((line for line in lines if line.startswith("model name")), platform.processor())
    return name.split(":")[-1].strip()


def summary(tables: dict[str, pd.DataFrame]) -> str:
    """Return the targets and what was reached, cells under target by name."""
    lines = ["| target | reached | cells under it |", "|---|---|---|"]
    lines += _single_lines(tables["table"]) if "table" in tables else []
    lines += _gated_lines(tables["gated"]) if "gated" in tables else []
    lines += _training_lines(tables["replicates"]) if "replicates" in tables else []
    lines += _trained_lines(tables["trained"]) if "trained" in tables else []
    lines += _long_lines(tables["long"]) if "long" in tables else []
    lines += _busy_lines(tables["busy"]) if "busy" in tables else []
    return "\n".join(lines) + "\n"


def _single_lines(one: pd.DataFrame) -> list[str]:
    lines = []
    for peer, target in (("jax", 3), ("torch", 10)):
        ratios = one[f"{peer}/rnnkit"]
        lines.append(f"| geometric mean at least {target}x {peer} | {np.exp(np.log(ratios).mean()):.1f}x | |")
        lines.append(f"| every cell at least 1.0x {peer} | {ratios.min():.2f}x | {_names(one[ratios < 1])} |")
    large = one[(one.H >= 128) & (one.B >= 20)]
    if len(large):
        share, under = large.limit_share, large[large.limit_share < 0.65]
        lines.append(f"| 65% of the limit for H >= 128, B >= 20 | {share.min():.0%} | {_names(under)} |")
    return lines


def _gated_lines(table: pd.DataFrame) -> list[str]:
    lines = []
    for cell, cells in table.groupby("cell"):
        for peer in ("jax", "torch"):
            ratios = cells[f"{peer}/rnnkit"]
            reached = f"{np.exp(np.log(ratios).mean()):.2f}x, lowest {ratios.min():.2f}x"
            lines.append(f"| {cell}: geometric mean at least 2x {peer} | {reached} | {_names(cells[ratios < 1])} |")
    return lines


def _training_lines(many: pd.DataFrame) -> list[str]:
    lines = []
    for H, target in ((50, 6), (128, 2.8)):
        cells = many[many.H == H]
        names = "; ".join(f"{r.nets} nets, T={r.T}" for r in cells[cells["jax/rnnkit"] < target].itertuples())
        lines.append(f"| training, H = {H}: at least {target}x jax | {cells['jax/rnnkit'].min():.2f}x | {names} |")
    return lines


def _trained_lines(table: pd.DataFrame) -> list[str]:
    row = table.iloc[0]
    name = f"training of {row.nets:g} nets, H = {row.H:g}, B = {row.B:g}, T = {row['T']:g}"
    return [f"| {name}: at most 1.6x forward + BPTT | {row['train/bare']:.2f}x | |"]


def _long_lines(long: pd.DataFrame) -> list[str]:
    kept, plain = (long[long.form == form].set_index("T") for form in ("checkpointed", "plain"))
    step, extra = kept.us_per_step, kept.us_per_step[LONG[-1]] / plain.us_per_step[LONG[-1]]
    return [
        f"| checkpointed: cost of a step flat within 15% | {step.max() / step.min() - 1:.0%} | |",
        f"| checkpointed, T = {LONG[-1]}: at most 150 MB | {kept.megabytes[LONG[-1]]:.0f} MB | |",
        f"| checkpointed, T = {LONG[-1]}: at most 1.5x the time of plain | {extra:.2f}x | |",
    ]


def _busy_lines(table: pd.DataFrame) -> list[str]:
    lines = []
    for column, most, of in (("busy/quiet", 2.5, "quiet"), ("threads/serial", 1.2, "serial")):
        above = "; ".join(f"{r.what}, {r.H}, {r.B}, {r.T}" for r in table[table[column] > most].itertuples())
        target = f"beside {table.busy[0]} busy processes: at most {most}x the {of} time"
        lines.append(f"| {target} | {table[column].max():.2f}x | {above} |")
    return lines


def _names(cells: pd.DataFrame) -> str:
    return "; ".join(f"{r.H}, {r.B}, {r.T}, {r.dtype}" for r in cells.itertuples())


def cells_of(hidden: list[int], batch: list[int], steps: list[int], everything: bool) -> list[tuple]:
    """Return (H, B, T, dtype) of the grid, and the diagonal in float64 with the whole grid."""
    grid = [(H, B, T, "float32") for H in hidden for B in batch for T in steps]
    return grid + [(*cell, "float64") for cell in DIAGONAL if everything]


def write(out: Path, new: dict[str, pd.DataFrame]) -> None:
    """Write the new tables, and from all tables of the folder the page and the figure."""
    out.mkdir(parents=True, exist_ok=True)
    for name, table in new.items():
        table.to_csv(out / f"{name}.csv", index=False)
    tables = {name: pd.read_csv(out / f"{name}.csv") for name in TABLES if (out / f"{name}.csv").exists()}
    if "table" in tables:
        ratios_by_hidden_size(tables["table"], out / "ratios.png")
    page = [summary(tables), *(table.to_markdown(index=False, floatfmt=".3g") for table in tables.values())]
    (out / "table.md").write_text("\n\n".join(page) + "\n")
    print(page[0], out / "table.md", sep="\n")


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"must be an integer >= 1, got {text!r}")
    return int(text)


def main(arguments: list[str] | None = None) -> None:
    """Run what is asked for and write the tables and the figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, values in (("hidden", HIDDEN), ("batch", BATCH), ("steps", STEPS)):
        parser.add_argument(f"--{name}", type=_size, nargs="+", default=list(values))
    parser.add_argument(
        "--only", choices=("single", "gated", "training", "trained", "long", "busy"), help="one part instead of all"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder for the tables")
    parser.add_argument("--weigh", nargs=2, metavar=("FORM", "T"), help="print the memory of one long sequence")
    asked = parser.parse_args(arguments)
    if asked.weigh:
        print(weigh(asked.weigh[0], int(asked.weigh[1])))
        return
    whole_grid = (asked.hidden, asked.batch, asked.steps) == (list(HIDDEN), list(BATCH), list(STEPS))
    if not whole_grid and asked.out == OUT:
        parser.error(f"--out must be a folder of its own for some of the cells, got {OUT}, which has the table of all")
    parts = {
        "single": ("table", lambda: single(cells_of(asked.hidden, asked.batch, asked.steps, whole_grid))),
        "gated": ("gated", gated_cells),
        "training": ("replicates", lambda: replicates(list(REPLICATES))),
        "trained": ("trained", trained_nets),
        "long": ("long", long_sequences),
        "busy": ("busy", busy.busy),
    }
    try:
        new = {name: run() for part, (name, run) in parts.items() if asked.only in (None, part)}
        if asked.only in ALONE:  # run alone, perhaps on another machine than that of environment.csv
            new = {name: table.assign(CPU=cpu()) for name, table in new.items()}
        else:
            new["environment"] = environment()
        write(asked.out, new)
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is missing: pip install -e .[bench]")


if __name__ == "__main__":
    main()
