"""The threads that share a call: each task once, whoever is late, and threads that come, sleep and go."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rnnkit import parallel
from rnnkit.kernels import TANH, rnn_forward
from rnnkit.parallel import pool
from rnnkit.parallel import threads as of_process

ROOT = Path(parallel.__file__).parents[2]
TIMEOUT = 300  # seconds for one process: with a cold cache it compiles for about 60
CALLS = 2000
# A worker without time to spin sleeps between calls, one that never sleeps spins.
SPINS = {"sleeping": 0.0, "spinning": 1.0, "both": 2e-5}
RUN = """
import numpy as np
from rnnkit import parallel
from rnnkit.parallel import threads
net = [np.ones(shape) for shape in ((3, 40, 2), (40, 5), (2, 5), (5, 5), (5,))]
parallel.set_num_threads(4)
parallel.rnn_forward(*net, 0)
"""


@pytest.fixture
def net():
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in ((4, 70, 2), (70, 5), (2, 5), (5, 5), (5,))]  # 8 shards


@pytest.fixture
def set_threads():
    before = parallel.get_num_threads()
    yield parallel.set_num_threads
    parallel.set_num_threads(before)


@pytest.mark.parametrize("spin", SPINS.values(), ids=SPINS)
@pytest.mark.parametrize("threads", [2, 5])
def test_every_call_ends_with_all_its_tasks_done(net, set_threads, monkeypatch, threads, spin):
    monkeypatch.setattr(of_process, "SPIN_SECONDS", spin)
    set_threads(threads)
    expected = rnn_forward(*net, TANH).tobytes()
    for call in range(CALLS if spin < 1 else 50):
        if call % 100 == 0:
            time.sleep(0.001)  # workers fall asleep at times
        assert parallel.rnn_forward(*net, TANH).tobytes() == expected


def test_a_busy_pool_is_not_waited_for(net, set_threads):
    set_threads(2)
    expected, words = parallel.rnn_forward(*net, TANH).tobytes(), of_process.THREADS.words_of_pool()
    words[pool.BUSY] = 1  # as if another thread's call had it
    claims = words[pool.CLAIMS]
    assert parallel.rnn_forward(*net, TANH).tobytes() == expected
    assert words[pool.CLAIMS] == claims
    words[pool.BUSY] = 0
    assert parallel.rnn_forward(*net, TANH).tobytes() == expected
    assert words[pool.CLAIMS] != claims


def test_callers_on_many_threads_share_one_pool(net, set_threads):
    set_threads(3)
    expected = rnn_forward(*net, TANH).tobytes()
    with ThreadPoolExecutor(4) as callers:
        found = list(callers.map(lambda _: parallel.rnn_forward(*net, TANH).tobytes(), range(CALLS)))
    assert set(found) == {expected}
    assert sum(thread.name.startswith("rnnkit-") for thread in threading.enumerate()) == 2


def test_threads_come_and_go_as_asked(net, set_threads):
    for n in (1, 4, 2, 100):
        set_threads(n)
        parallel.rnn_forward(*net, TANH)
        running = sum(thread.name.startswith("rnnkit-") for thread in threading.enumerate())
        assert running == min(n, 8) - 1  # a batch has at most 8 shards
        assert parallel.get_num_threads() == n


def test_the_layer_in_force_has_a_name(set_threads):
    set_threads(2)
    assert parallel.threading_layer() == "rnnkit's pool"
    set_threads(1)
    assert parallel.threading_layer() == "none"


@pytest.mark.parametrize("n", [0, -1, 1.0, "2", None, True])
def test_a_number_of_threads_that_is_none_is_refused(n):
    with pytest.raises(ValueError, match=r"^n must be an integer >= 1, got "):
        parallel.set_num_threads(n)


def test_where_no_thread_can_be_made_the_caller_works_alone(net, set_threads, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    set_threads(3)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert parallel.rnn_forward(*net, TANH).tobytes() == rnn_forward(*net, TANH).tobytes()
    assert of_process.THREADS.words_of_pool()[pool.WORKERS] == 0


ENDINGS = {
    "the end": "",
    "an exception": "raise SystemExit(0)",
    "a first call at exit": "import atexit; atexit.register(parallel.rnn_forward, *net, 0); threads.THREADS.stop()",
    "a daemon thread at work": "import threading; threading.Thread(target=lambda: [parallel.rnn_forward(*net, 0) "
    "for _ in range(10**9)], daemon=True).start()",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_process_ends_whatever_its_threads_do(ending):
    command = [sys.executable, "-W", "error", "-c", RUN + ending]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True, capture_output=True, timeout=TIMEOUT
    )
    assert (done.returncode, done.stderr) == (0, "")
