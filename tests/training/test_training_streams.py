"""What a net meets and what it becomes do not depend on its neighbours, the threads, or how often one looks."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from training_cases import ORDER, Watched, bytes_of, maker, protocol, same

from rnnkit.rng import streams
from rnnkit.training.loop import as_trained, train
from rnnkit.training.protocol import BLOCK
from rnnkit.training.replicate import Training

QUICKLY = 20  # seconds on busy cores; a block takes milliseconds, the trainings here would take minutes
FOREVER = 10**5 * BLOCK


def watched(seq_len=(10, 13), **keys):
    task = Watched()
    (trained,) = train(maker(task=task), task, seq_len, protocol(updates=4 * BLOCK, check_every=BLOCK, **keys))
    return trained, task


def test_data_are_the_same_whatever_clip_learning_rate_and_how_often_one_looks():
    trained, task = watched(stop="never")
    assert len(task.training) == 4
    assert len({x for _, _, x in task.training}) == 4
    changes = [{"clip": 0.01}, {"learning_rate": 1e-4}, {"optimizer": "adam"}, {"solved_error": 1.0}, {"omega": 1.0}]
    for keys in changes:
        other, same_task = watched(**{"stop": "never"} | keys)
        assert same_task.training == task.training
        assert bytes_of(other) != bytes_of(trained) or keys == {"solved_error": 1.0}
    task = Watched()
    (seldom,) = train(maker(task=task), task, (10, 13), protocol(updates=4 * BLOCK, check_every=2 * BLOCK))
    assert task.training == watched()[1].training
    assert bytes_of(seldom) == bytes_of(trained)


def test_a_pair_of_lengths_is_drawn_from_with_both_ends():
    task = Watched()
    keys = {"updates": 40 * BLOCK, "check_every": BLOCK, "stop": "never"}
    train(maker(task=task), task, (10, 12), protocol(**keys))
    assert {length for _, length, _ in task.training} == {length for _, length, _ in task.tests} == {10, 11, 12}
    assert same(*(train(maker(), ORDER, length, protocol())[0] for length in (11, (11, 11))))


def test_checks_do_not_draw_from_the_data():
    one, other = (watched(check_size=size, stop="never") for size in (20, 39))
    assert one[1].training == other[1].training
    assert one[1].tests != other[1].tests


def test_one_and_two_threads_give_the_same_bytes():
    nets = [train(maker(), ORDER, 10, protocol(), replicates=5, threads=threads) for threads in (1, 2)]
    assert all(same(*pair) for pair in zip(*nets, strict=True))
    assert [net.replicate for net in nets[1]] == list(range(5))
    assert len({bytes_of(net) for net in nets[0]}) == 5


def test_a_replicate_alone_is_that_replicate_among_many():
    nets = train(maker(), ORDER, (10, 14), protocol(), seed=7, replicates=4)
    alone = Training(maker(), ORDER, (10, 14), protocol(), streams(7, 2))
    while not alone.ended:
        alone.advance(threading.Event())
    assert same(as_trained(alone, 2), nets[2])
    fewer = train(maker(), ORDER, (10, 14), protocol(), seed=7, replicates=2)
    assert all(same(*pair) for pair in zip(fewer, nets, strict=False))


@pytest.mark.parametrize("exception", [KeyboardInterrupt, ArithmeticError])
@pytest.mark.parametrize("replicate", [0, 1, 2])
def test_what_one_net_raises_ends_all_quickly(replicate, exception):
    """Also where a net before it is at work, and would be for minutes."""
    checks, start = [], time.monotonic()

    def progress(trained):
        checks.append(trained.replicate)
        if trained.replicate == replicate:
            raise exception("enough")

    slow, threads = protocol(updates=FOREVER, stop="never"), 3 if replicate == 2 else 2
    with pytest.raises(exception, match="enough"):
        train(maker(), ORDER, 10, slow, replicates=6, progress=progress, threads=threads)
    assert time.monotonic() - start < QUICKLY
    assert set(checks) <= set(range(threads + 1))  # one may begin before the rest are dropped


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
def test_ctrl_c_ends_all_nets_quickly():
    program = f"""
        import os, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from training_cases import ORDER, maker, protocol
        from rnnkit.training.loop import train
        told = lambda trained: os.write(1, b"checked\\n")
        train(maker(), ORDER, 10, protocol(updates={FOREVER}, stop="never"), replicates=4, threads=2, progress=told)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout.readline() == "checked\n"
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=QUICKLY)
        finally:
            process.kill()
    assert process.returncode in (-signal.SIGINT, 130, 1)
    assert told.rstrip().endswith("KeyboardInterrupt")
