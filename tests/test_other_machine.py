"""What a new kind of machine must do right, done here; and done once more without what only POSIX has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("other_machine.py")
TIMEOUT = 600  # seconds: with a cold cache all that it calls is compiled
# What Python lacks on Windows and the libraries beneath do without, here where it has been loaded already.
WITHOUT_POSIX = f"""
import os, runpy, signal, sys
for name in ("fcntl", "grp", "pwd", "resource", "termios"):
    sys.modules[name] = None
for module, names in (
    (os, "fork forkpty getuid geteuid getgid register_at_fork sched_getaffinity O_DIRECTORY"),
    (signal, "SIGALRM SIGHUP SIGKILL SIGUSR1 pthread_sigmask"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
runpy.run_path({str(SCRIPT)!r}, run_name="__main__")
"""


@pytest.mark.parametrize("command", [[str(SCRIPT)], ["-c", WITHOUT_POSIX]], ids=["as it is", "without POSIX"])
def test_all_is_right(command):
    environment = os.environ | {"PYTHONPATH": str(SCRIPT.parents[1])}
    command = [sys.executable, "-W", "error", *command]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > 10
    assert all(" error " in line for line in lines[2:])


def test_a_wrong_number_is_an_error():
    """Every check is one that can fail: with nothing allowed, and with a number of NumPy's moved."""
    code = f"""
import runpy
import numpy as np
script = runpy.run_path({str(SCRIPT)!r})
script["main"].__globals__["checks"] = lambda: [("same", 0.0, 0), ("larger", 1e-3, 1e-4), ("nan", np.nan, 1.0)]
script["main"]()
"""
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, timeout=TIMEOUT)
    assert (done.returncode, done.stderr.strip()) == (1, "2 wrong")
