"""What Windows lacks is not needed: the package, networks and serial sweeps in a process without it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_IN_A_NAME = set('<>:"|?*\\')
# Other packages have forms of their own there, and are loaded here before POSIX is taken away: rnnkit's own is tried.
WITHOUT_POSIX = """
import asyncio, concurrent.futures.process, ctypes, filelock, multiprocessing.util, runpy, signal, subprocess, tempfile
import json, os, sys, warnings
import hydra, matplotlib.pyplot, numba, numpy as np, pandas, pydantic, scipy.linalg, threadpoolctl, tqdm

MODULES = ["fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "readline"]
OS = ["fork", "forkpty", "register_at_fork", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getpgid", "setsid",
      "killpg", "uname", "sysconf", "getloadavg", "nice", "mkfifo", "wait4", "waitid", "fchown", "chown", "lchown",
      "sched_getaffinity", "sched_setaffinity", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "pread", "pwrite", "statvfs"]
SIGNALS = ["SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGCHLD", "alarm", "setitimer", "pthread_sigmask"]
for name in MODULES:
    sys.modules[name] = None  # an import raises ModuleNotFoundError
for module, names in ((os, OS), (signal, SIGNALS)):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
os.linesep = "\\r\\n"
if hasattr(os, "fsync"):
    import stat
    sync = os.fsync

    def fsync(handle):
        assert not stat.S_ISDIR(os.fstat(handle).st_mode), "no folder can be opened"
        sync(handle)

    os.fsync = fsync
warnings.filterwarnings("error", category=EncodingWarning, module=r"rnnkit|__main__|gradient_flow|temporal_order")


def sweep(file, *keys):
    sys.argv, sys.path[0] = [file, *keys], os.path.dirname(file)
    try:
        runpy.run_path(file, run_name="__main__")
    except SystemExit as end:
        return end.code


import rnnkit
from rnnkit.kernels import TANH, rnn_forward

h = rnn_forward(np.ones((5, 2, 3)), np.zeros((2, 4)), np.ones((3, 4)), np.eye(4), np.zeros(4), TANH)
net = rnnkit.RNN(3, 4, 2, dtype="float64")
loss = net.loss_and_gradients(np.ones((5, 2, 3)), np.ones((5, 2, 2)), loss="mse").loss
codes = [sweep(*line) for line in json.loads(sys.argv[1])]
print(json.dumps({"h": h.shape, "loss": loss > 0, "codes": codes}))
"""
FLOW = ["seq_len=5,10", "-m", "hidden_size=4", "replicates=2", "clip=none,1.0"]
TRAINED = [
    "updates=50",
    "check_every=25",
    "check_size=20",
    "replicates=2",
    "hidden_size=4",
    "seq_len=10",
    "out=trained",
]


def python(folder, *words):
    """Run Python in a folder."""
    folder.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-X", "warn_default_encoding", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, cwd=folder, env=environment
    )  # fmt: skip


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """Return (what a process without POSIX said, the folder it ran in)."""
    folder = tmp_path_factory.mktemp("portable") / "without"
    files = {name: str(ROOT / "experiments" / f"{name}.py") for name in ("gradient_flow", "temporal_order")}
    lines = [[files["gradient_flow"], *FLOW], [files["temporal_order"], *TRAINED]]
    return python(folder, "-c", WITHOUT_POSIX, json.dumps(lines)), folder


def test_package_networks_and_serial_sweeps_need_nothing_that_windows_lacks(without):
    done, _ = without
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"h": [6, 2, 4], "loss": True, "codes": [0, 0]}
    assert "Traceback" not in done.stderr


def test_every_file_has_a_name_that_windows_allows(without):
    names = {part for path in without[1].rglob("*") for part in path.relative_to(without[1]).parts}
    assert "table.csv" in names
    assert [name for name in names if NOT_IN_A_NAME & set(name) or name[-1] in ". "] == []


def test_tables_have_the_same_bytes(without):
    here = python(without[1].with_name("here"), ROOT / "experiments" / "gradient_flow.py", *FLOW, "out=flow")
    assert here.returncode == 0, here.stderr
    (there,) = (without[1] / "outputs" / "gradient_flow").iterdir()
    for name in ("table.csv", "nets.csv", "lags.csv", "table.md", "plan.json"):
        assert (there / name).read_bytes() == (without[1].with_name("here") / "flow" / name).read_bytes(), name
