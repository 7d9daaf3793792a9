"""Commands as a user types them, each a process of its own: Python with some words, run to its end.

Half of the suite's time went into imports: a command of some milliseconds takes a second of processor time to begin,
and there are hundreds. So one process imports what they share and, for each command, forks: the child is Python as it
is after these imports, with the words, files and folders of the command, and nothing of another's. Commands in another
environment begin anew, as all do where there is no fork, or with FORK=0.
"""

import atexit
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import NamedTuple

TIMEOUT = 120  # seconds for one command: each takes about 1; only a hang reaches it


class Done(NamedTuple):
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


def command(*words: object, **environment: str) -> Done:
    """Run a line of Python's to its end."""
    line = [str(word) for word in words]
    if environment or not hasattr(os, "fork") or os.environ.get("FORK") == "0":
        done = subprocess.run(
            [sys.executable, *line],
            capture_output=True, text=True, check=False, timeout=TIMEOUT, env=os.environ | environment,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)
    with tempfile.TemporaryDirectory(prefix="command-") as folder:
        said = [Path(folder, name) for name in ("stdout", "stderr")]
        here = {"folder": os.getcwd(), "environment": dict(os.environ)}
        code = _Server.running().run({"words": line, "said": [*map(str, said)]} | here)
        return Done(code, *(path.read_text(encoding="utf-8") for path in said))


class _Server:
    """The process that forks."""

    _one: "_Server | None" = None

    def __init__(self) -> None:
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "start_new_session": True}
        self.process = subprocess.Popen([sys.executable, __file__], **options)
        atexit.register(self.process.stdin.close)  # it ends at the end of its input

    @classmethod
    def running(cls) -> "_Server":
        if cls._one is None or cls._one.process.poll() is not None:
            cls._one = cls()
        return cls._one

    def run(self, asked: dict) -> int:
        watch = threading.Timer(TIMEOUT, os.killpg, (self.process.pid, signal.SIGKILL))  # with what it has forked
        watch.start()
        try:
            print(json.dumps(asked), file=self.process.stdin, flush=True)
            reply = self.process.stdout.readline()
        finally:
            watch.cancel()
        if not reply:
            self.process.communicate()
            raise subprocess.TimeoutExpired(asked["words"], TIMEOUT)
        return int(reply)


def serve() -> None:
    """Fork for each line of the input; answer with the exit code, negative for a signal, as `subprocess` does."""
    import rnnkit.runner.sweep  # noqa: F401  what commands share; nothing is compiled or started by it

    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(words: list[str], said: list[str], folder: str, environment: dict[str, str]) -> None:
    """Do in this process what `python words` does in a folder, and end it."""
    os.chdir(folder)
    for number, path in enumerate([os.devnull, *said]):
        handle = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT)
        os.dup2(handle, number)
        os.close(handle)
    os.environ.clear()
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    atexit._clear()
    code = 0
    try:
        if words[0] == "-m":
            sys.argv, sys.path[0] = words[1:], os.getcwd()
            sys.modules.pop(words[1], None)  # Python has not met it before either
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv, sys.path[0] = words, str(Path(words[0]).resolve().parent)
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
