"""Faults planted one at a time into a copy of the tree, and the tests that must see each: `make mutants`.

    python tests/mutants.py [--only WORD] [--jobs N] [--cache DIR]

The faults are in mutants.toml. The tests of each run in a copy as it is, and must pass, then in one with the fault, and
must fail. Those of most kernels run them as plain Python (`plain`): the same assertions, without a minute of
compilation for each fault. What does compile goes into a cache of its own; the files of the checkout stay as they are.
Exit code 1 where a fault survives, where the text it replaces does not stand in its file once, or where tests end
otherwise than by passing without it and failing with it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("rnnkit", "experiments", "conf", "results", "tests", "pyproject.toml")
PASSED, FAILED, HUNG = 0, 1, 99  # exit codes of pytest, which has others where it could not do what was asked; and ours
PATIENCE = 1800  # seconds for the tests of one fault: with cold kernels on a busy machine they take minutes


@dataclass(frozen=True)
class Mutant:
    """A fault: `old` becomes `new` in `file`, which `breaks` something that one of `tests` must see.

    match: those of them whose names match, pytest's -k. plain: nothing is compiled.
    """

    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    breaks: str
    match: str = ""
    plain: bool = False

    def fault_of_its_own(self, root: Path = ROOT) -> str:
        """Return why it cannot be planted, or an empty string."""
        if n := [test for test in self.tests if not (root / test).exists()]:
            return f"there is no {', '.join(n)}"
        if self.old == self.new or not self.tests:
            return "changes nothing, or names no test"
        n = (root / self.file).read_text(encoding="utf-8").count(self.old) if (root / self.file).exists() else 0
        return "" if n == 1 else f"what it replaces stands in {self.file} {n} times"

    def plant(self, root: Path) -> None:
        """Plant it in a copy of the tree."""
        path = root / self.file
        path.write_text(path.read_text(encoding="utf-8").replace(self.old, self.new), encoding="utf-8")


def planted() -> list[Mutant]:
    """Return all faults."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return [Mutant(**keys | {"tests": tuple(keys["tests"])}) for keys in tomllib.loads(text)["mutant"]]


def in_a_copy(mutant: Mutant, cache: Path, change: Callable[[Path], None]) -> tuple[int, str]:
    """Return pytest's exit code, and what it said, of a fault's tests in a copy of the tree after a change."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        for name in COPIED:
            how = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            how(ROOT / name, copy / name)
        change(copy)
        environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(cache)}
        environment |= {"NUMBA_DISABLE_JIT": "1"} if mutant.plain else {}
        options = ["-x", "-q", "-p", "no:cacheprovider", *(["-k", mutant.match] if mutant.match else [])]
        command = [sys.executable, "-m", "pytest", *options, *mutant.tests]
        with open(copy / "said", "w+", encoding="utf-8") as said:
            try:
                done = subprocess.run(command, cwd=copy, env=environment, stdout=said, stderr=said, timeout=PATIENCE)
                code = done.returncode
            except subprocess.TimeoutExpired:
                code = HUNG
            said.seek(0)
            return code, said.read()


class Trial:
    """Faults planted into copies, on some threads at a time."""

    def __init__(self, cache: Path) -> None:
        self.cache, self.without, self._lock = cache, {}, threading.Lock()

    def try_one(self, mutant: Mutant) -> bool:
        """Plant a fault, run its tests, print a line; return whether it was caught."""
        start, (code, said) = time.perf_counter(), self._without(mutant)
        if code == PASSED:
            code, said = in_a_copy(mutant, self.cache, mutant.plant)
            verdict = {FAILED: "caught", PASSED: "SURVIVED"}.get(code, f"CODE {code}")
        else:
            code, verdict = HUNG, f"CODE {code} WITHOUT IT"
        by = next((line.split()[1] for line in said.splitlines() if line.startswith("FAILED")), "")
        seconds = time.perf_counter() - start
        print(f"{verdict:8} {seconds:4.0f} s  {mutant.file}: {mutant.breaks}{f'  [{by}]' if by else ''}", flush=True)
        if code not in (PASSED, FAILED):
            print(said)
        return code == FAILED

    def _without(self, mutant: Mutant) -> tuple[int, str]:
        """Return what becomes of the same tests without a fault; faults with the same ones share it."""
        key = mutant.tests, mutant.match, mutant.plain
        with self._lock:
            lock = self.without.setdefault(key, [threading.Lock(), None])
        with lock[0]:
            lock[1] = lock[1] or in_a_copy(mutant, self.cache, lambda copy: None)
        return lock[1]


def main() -> None:
    """Try the faults asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="those alone with this word in their file or in what they break")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--cache", type=Path, help="a folder that keeps what is compiled for the next time")
    arguments = parser.parse_args()
    mutants = [m for m in planted() if arguments.only in m.file or arguments.only in m.breaks]
    if not mutants:
        sys.exit(f"no mutant has {arguments.only} in its file or in what it breaks")
    if wrong := [f"{m.file}: {m.breaks}: {why}" for m in mutants if (why := m.fault_of_its_own())]:
        sys.exit("\n".join(wrong))
    with tempfile.TemporaryDirectory(prefix="mutants-cache-") as folder, ThreadPoolExecutor(arguments.jobs) as pool:
        caught = sum(pool.map(Trial((arguments.cache or Path(folder)).resolve()).try_one, mutants))
    print(f"{caught} of {len(mutants)} caught")
    sys.exit(caught < len(mutants))


if __name__ == "__main__":
    main()
