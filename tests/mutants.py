"""Faults planted one at a time into a copy of the tree, and the tests that must see each: `make mutants`.

    python tests/mutants.py [--only WORD] [--jobs N]

The faults are in mutants.toml. First the tests named there run against a copy as it is, and must pass; then each fault
is planted and its tests must fail. What compiles goes into a cache of its own; the files of the checkout stay as they
are. Exit code 1 where a fault survives, where the text it replaces does not stand in its file once, or where tests end
otherwise than by a failure.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
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
    """A fault: `old` becomes `new` in `file`, which `breaks` something that one of `tests` must see."""

    file: str
    old: str
    new: str
    tests: list[str]
    breaks: str

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
    return [Mutant(**keys) for keys in tomllib.loads(text)["mutant"]]


def in_a_copy(tests: list[str], cache: Path, change: Callable[[Path], None] = lambda copy: None) -> tuple[int, str]:
    """Return pytest's exit code, and what it said, of tests in a copy of the tree after a change."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder)
        for name in COPIED:
            how = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            how(ROOT / name, copy / name)
        change(copy)
        environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(cache)}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        with open(copy / "said", "w+", encoding="utf-8") as said:
            try:
                code = subprocess.run(command, cwd=copy, env=environment, stdout=said, stderr=said, timeout=PATIENCE)
                code = code.returncode
            except subprocess.TimeoutExpired:
                code = HUNG
            said.seek(0)
            return code, said.read()


def try_one(mutant: Mutant, cache: Path) -> bool:
    """Plant a fault, run its tests, print a line; return whether it was caught."""
    start = time.perf_counter()
    code, said = in_a_copy(mutant.tests, cache, mutant.plant)
    verdict = {FAILED: "caught  ", PASSED: "SURVIVED"}.get(code, f"CODE {code}  ")
    by = next((line.split()[1] for line in said.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
    seconds = time.perf_counter() - start
    print(f"{verdict} {seconds:4.0f} s  {mutant.file}: {mutant.breaks}{f'  [{by}]' if by else ''}", flush=True)
    if code not in (PASSED, FAILED):
        print(said)
    return code == FAILED


def main() -> None:
    """Try the faults asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="those alone with this word in their file or in what they break")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    arguments = parser.parse_args()
    mutants = [m for m in planted() if arguments.only in m.file or arguments.only in m.breaks]
    if not mutants:
        sys.exit(f"no mutant has {arguments.only} in its file or in what it breaks")
    if wrong := [f"{m.file}: {m.breaks}: {why}" for m in mutants if (why := m.fault_of_its_own())]:
        sys.exit("\n".join(wrong))
    with tempfile.TemporaryDirectory(prefix="mutants-cache-") as cache, ThreadPoolExecutor(arguments.jobs) as pool:
        code, said = in_a_copy(sorted({test for m in mutants for test in m.tests}), Path(cache))
        if code != PASSED:
            sys.exit(f"{said}\nthe tests do not pass without a fault")
        print(said.splitlines()[-1], "without a fault", flush=True)
        caught = sum(pool.map(lambda mutant: try_one(mutant, Path(cache)), mutants))
    print(f"{caught} of {len(mutants)} caught")
    sys.exit(caught < len(mutants))


if __name__ == "__main__":
    main()
