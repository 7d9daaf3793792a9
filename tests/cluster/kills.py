"""Sweeps that lose a process at a random moment, for the tests and for a longer trial: `make soak`.

Each kill takes a sweep that is under way, sends SIGKILL to one of its processes at a moment drawn from a seed, starts
the same line again until it ends well, and compares: the tables with those of a sweep that nobody disturbed, byte for
byte, and every record that was there at the kill with what is there at the end, so that nothing was computed twice.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slurm import Slurm

from rnnkit.runner.tables.table import FILES

ROOT = Path(__file__).resolve().parents[2]
SWEEPS = {
    "gradient_flow": "-m seq_len=40,80 spectral_radius=0.5,1.0,1.5 clip=none,1.0 hidden_size=64 replicates=24",
    "temporal_order": "-m seq_len=10,15 clip=none,1.0 replicates=4 updates=1000 check_size=500 hidden_size=30 "
    f"cell={ROOT / 'tests' / 'user_cells' / 'leaky.py'} constants.alpha=0.5",  # a user's cell
}
LAUNCHERS = {
    "client": "serial",
    "client of workers": "local",
    "worker": "local",
    "client of Slurm": "slurm hydra.launcher.tasks=2 hydra.launcher.mem_gb=0.5 hydra.launcher.poll_s=0.5",
    "Slurm job": "slurm hydra.launcher.tasks=2 hydra.launcher.mem_gb=0.5 hydra.launcher.poll_s=0.5",
}
JOBS = {"gradient_flow": 12, "temporal_order": 4}
A_JOB = 0.2  # seconds: about the time of one
START = 2.0  # of a client, until its first job
TRIES = 10  # for each kill: a moment may come after the end
RERUNS = 3  # one is enough, unless the client has to wait for a process that outlived it


@dataclass(frozen=True)
class Outcome:
    """What one kill did. recorded: jobs that had ended at the kill; again: those of them that were computed again."""

    kind: str
    sweep: str
    seed: int
    recorded: int
    jobs: int
    again: int
    same: bool

    def __str__(self):
        """Return a line of the log."""
        verdict = "same bytes" if self.same and not self.again else "DIFFERS"
        what = f"{self.kind:<18} {self.sweep:<15} seed {self.seed:>3}  killed with {self.recorded:>2} of {self.jobs:>2}"
        return f"{what} jobs recorded, {self.again} computed again: {verdict}"


def line(sweep: str, kind: str, out: Path) -> list[str]:
    """Return the command of a sweep."""
    file = ROOT / "experiments" / f"{sweep}.py"
    words = [*SWEEPS[sweep].split(), f"out={out}", *f"hydra/launcher={LAUNCHERS[kind]}".split()]
    return [sys.executable, str(file), *words]


def tables(out: Path) -> dict[str, bytes]:
    """Return what a sweep has to bring out the same."""
    return {p.name: p.read_bytes() for p in out.iterdir() if p.suffix in (".md", ".png") or p.name in NAMES}


NAMES = (*FILES, "plan.json")


def records(out: Path) -> dict[str, bytes]:
    """Return the records of jobs that have ended."""
    found = {path.parent.name: path.read_bytes() for path in out.glob("jobs/*/record.json")}
    return {name: text for name, text in found.items() if json.loads(text)["row"]["status"] in ("done", "diverged")}


def workers_of(pid: int) -> list[int]:
    """Return the workers that a process has started; multiprocessing may have started a process beside them."""
    with contextlib.suppress(OSError):
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [
            int(child) for child in found if b"rnnkit.runner.jobs.worker" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
    return []


def of_slurm(out: Path) -> list[int]:
    """Return the processes in which Slurm runs jobs of a sweep."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"submitit.core._submit" in words and f"{out}/slurm".encode() in words and b"python" in words[0]:
                found.append(int(process.name))
    return found


TARGETS: dict[str, Callable[[subprocess.Popen, Path], list[int]]] = {
    "client": lambda client, out: [client.pid],
    "client of workers": lambda client, out: [client.pid],
    "client of Slurm": lambda client, out: [client.pid],
    "worker": lambda client, out: workers_of(client.pid),
    "Slurm job": lambda client, out: of_slurm(out),
}


def disturb(kind: str, sweep: str, seed: int, out: Path, environment: dict[str, str]) -> dict[str, bytes] | None:
    """Run a sweep, kill one of its processes at a random moment; return the records that were there then.

    The moment: so many records are there, and then a part of a job's time. None where the sweep has ended before.
    """
    rng = random.Random(f"{kind} {seed}")
    first, last = (-1, JOBS[sweep]) if "client" in kind else (0, JOBS[sweep] - 1)
    recorded = rng.randint(first, last)  # -1: while it plans, all: while it makes tables
    pause = rng.uniform(0, START if recorded < 0 else A_JOB)
    with open(out.parent / "log", "a") as log, subprocess.Popen(
        line(sweep, kind, out), stdout=log, stderr=log, env=environment
    ) as client:  # fmt: skip
        while client.poll() is None and not _is_time(out, recorded):
            time.sleep(0.005)
        time.sleep(pause)
        targets = TARGETS[kind](client, out)
        if client.poll() is not None or not targets:
            client.wait()
            return None
        os.kill(rng.choice(targets), signal.SIGKILL)
        found = records(out)
        client.wait()
    return found


def _is_time(out: Path, recorded: int) -> bool:
    started = recorded < 0 or bool(list(out.glob("jobs/*/.lock")))
    return started and len(list(out.glob("jobs/*/record.json"))) >= recorded


def trial(kind: str, sweep: str, seed: int, whole: dict[str, bytes], environment: dict[str, str]) -> Outcome | None:
    """Kill once, start again, compare; None where the sweep had ended before its moment came."""
    with tempfile.TemporaryDirectory(prefix="kill-") as folder:
        out = Path(folder) / "out"
        before = disturb(kind, sweep, seed, out, environment)
        if before is None:
            return None
        for _ in range(RERUNS):
            done = subprocess.run(line(sweep, kind, out), env=environment, check=False, capture_output=True, text=True)
            if done.returncode == 0:
                break
        else:
            raise RuntimeError(f"{kind}, seed {seed}: the sweep does not end well: {done.stdout}{done.stderr}")
        later = records(out)
        again = sum(later[name] != record for name, record in before.items())
        return Outcome(kind, sweep, seed, len(before), len(later), again, tables(out) == whole)


def undisturbed(sweep: str) -> dict[str, bytes]:
    """Return the tables of a sweep run in peace."""
    with tempfile.TemporaryDirectory(prefix="peace-") as folder:
        out = Path(folder) / "out"
        subprocess.run(line(sweep, "client", out), check=True, capture_output=True)
        return tables(out)


def trials(kind: str, n: int, whole: dict[str, dict[str, bytes]], environment: dict[str, str]):
    """Yield the outcomes of `n` kills of a kind, sweeps in turn."""
    made = 0
    for seed in range(TRIES * n):
        if made == n:
            return
        sweep = list(SWEEPS)[seed % len(SWEEPS)]
        outcome = trial(kind, sweep, seed, whole[sweep], environment)
        if outcome:
            made += 1
            yield outcome
    raise RuntimeError(f"{kind}: only {made} of {TRIES * n} moments came in time for a kill")


def main() -> None:
    """Make many trials of each kind, and write down how they went."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n", type=int, help="kills of each kind")
    parser.add_argument("--log", type=Path, default=ROOT / "results" / "soak.log")
    arguments = parser.parse_args()
    whole = {sweep: undisturbed(sweep) for sweep in SWEEPS}
    made = wrong = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.ExitStack() as stack,
        open(arguments.log, "w", buffering=1) as log,
    ):
        if reason := Slurm.lacking():
            print(f"kinds with Slurm are left out: {reason}", file=log)
        environment = os.environ | ({} if reason else stack.enter_context(Slurm(Path(folder) / "slurm")).env)
        for kind in [kind for kind in LAUNCHERS if not (reason and "Slurm" in kind)]:
            for outcome in trials(kind, arguments.n, whole, environment):
                made += 1
                wrong += not outcome.same or outcome.again > 0
                print(outcome)
                print(outcome, file=log)
        print(f"{made} kills, {wrong} of them with a table that differs or a job computed twice", file=log)
    print(arguments.log)
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
