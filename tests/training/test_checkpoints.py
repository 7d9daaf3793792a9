"""A training that is killed at any moment and started again resumes, bit for bit."""

import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from training_cases import ORDER, maker, protocol, same

from rnnkit.training import checkpoints
from rnnkit.training import replicate as of_replicate
from rnnkit.training.loop import train
from rnnkit.training.protocol import BLOCK

CHECKS = 6
KEYS = {"updates": CHECKS * 2 * BLOCK, "check_every": 2 * BLOCK, "optimizer": "adam", "omega": 0.5, "clip": 1.0}
KEYS |= {"stop": "never", "solved_error": 0.35, "hold": 2, "learning_rate": 0.01}  # solved, and held, on the way
LENGTHS = (10, 13)


class KilledError(Exception):
    pass


@pytest.fixture
def always(monkeypatch):
    """Let every check leave a file."""
    monkeypatch.setattr(checkpoints, "SECONDS", 0)


def run(folder=None, make_net=None, task=ORDER, lengths=LENGTHS, seed=0, **keys):
    (trained,) = train(make_net or maker(), task, lengths, protocol(**KEYS | keys), seed=seed, folder=folder)
    return trained


def contents(folder):
    with np.load(folder / "net-0.npz") as file:
        return {name: (file[name].dtype, file[name].tobytes()) for name in file.files}


def test_the_training_here_has_an_eventful_history():
    whole = run()
    assert whole.first is not None
    assert whole.held is not None
    assert {row["passed"] for row in whole.history} == {True, False}


@pytest.mark.parametrize("k", range(1, CHECKS + 1))
def test_interrupted_after_a_check_it_ends_with_the_same_bytes(k, tmp_path, always):
    def progress(trained):
        if len(trained.history) == k:
            raise KilledError

    whole = run(tmp_path / "whole")
    with pytest.raises(KilledError):
        train(maker(), ORDER, LENGTHS, protocol(**KEYS), folder=tmp_path / "cut", progress=progress)
    assert [p.name for p in (tmp_path / "cut").iterdir()] == ["net-0.npz"]
    assert same(run(tmp_path / "cut"), whole)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")  # moments and generators too


def test_interrupted_between_checks_it_begins_at_the_last_one(tmp_path, always, monkeypatch):
    """By another net's exception, with one block of two made."""
    made = []

    def block_and_stop(*arguments):
        made.append(0)
        if len(made) == 6:
            raise KilledError
        return whole_block(*arguments)

    whole, whole_block = run(), of_replicate.train_block
    monkeypatch.setattr(of_replicate, "train_block", block_and_stop)
    with pytest.raises(KilledError):
        run(tmp_path)
    monkeypatch.setattr(of_replicate, "train_block", whole_block)
    assert same(run(tmp_path), whole)


def updates_in(path):
    with np.load(path) as file:
        return json.loads(str(file["state"]))["updates"]


PROGRAM = f"""
    import os, sys
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from rnnkit.training import checkpoints
    from test_checkpoints import LONG, LENGTHS, ORDER, maker, protocol, train
    checkpoints.SECONDS = 0
    told = lambda trained: os.write(1, b"checked\\n")
    train(maker(), ORDER, LENGTHS, protocol(**LONG), replicates=2, threads=2, folder=sys.argv[1], progress=told)
"""
LONG = KEYS | {"updates": 4000 * BLOCK, "check_every": BLOCK, "check_size": 20, "optimizer": "adam"}


def test_killed_by_the_system_at_any_moment_it_ends_with_the_same_bytes(tmp_path, always):
    rng, progress, command = np.random.default_rng(5), [], [sys.executable, "-c", textwrap.dedent(PROGRAM)]
    for _ in range(4):
        with subprocess.Popen([*command, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
            try:
                for _ in range(rng.integers(1, 60)):
                    assert process.stdout.readline() == "checked\n"
                time.sleep(rng.random() * 0.01)
                assert process.poll() is None
            finally:
                process.kill()
        progress.append([updates_in(path) for path in sorted(tmp_path.glob("net-*.npz"))])
    assert progress == sorted(progress)
    assert progress[0] != progress[-1]
    here = protocol(**LONG | {"updates": max(progress[-1]) + 20 * BLOCK})
    nets = [train(maker(), ORDER, LENGTHS, here, replicates=2, folder=folder) for folder in (tmp_path, None)]
    assert all(same(*pair) for pair in zip(*nets, strict=True))


def test_what_is_finished_is_not_trained_on(tmp_path, monkeypatch):
    """Nets that ended before their first checkpoint was due are kept too."""
    first = run(tmp_path)
    monkeypatch.setattr(of_replicate, "train_block", None)
    assert same(run(tmp_path), first)


@pytest.mark.parametrize("keys", [{"learning_rate": 1e30, "optimizer": "sgd"}, {"stop": "first"}, {"stop": "held"}])
def test_what_ended_early_stays_as_it_ended(keys, tmp_path):
    make_net = maker("relu" if "learning_rate" in keys else "basic_tanh")
    first = run(tmp_path, make_net, **keys)
    assert first.updates < KEYS["updates"]
    again = run(tmp_path, make_net, **keys | {"updates": 2 * KEYS["updates"]})
    assert same(again, first)


def test_larger_updates_go_on_to_the_bytes_of_the_long_run(tmp_path):
    long, longer = run(updates=8 * 2 * BLOCK), {"updates": 8 * 2 * BLOCK}
    assert not same(run(tmp_path), long)
    assert same(run(tmp_path, **longer), long)
