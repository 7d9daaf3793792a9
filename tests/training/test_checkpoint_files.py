"""A checkpoint that is another training's, or damaged, or cannot be written, is told by name and left as it is."""

import os

import numpy as np
import pytest
from test_checkpoints import contents, run
from training_cases import Watched, maker

from rnnkit.training import checkpoints

OTHERS = [
    {"learning_rate": 0.02},
    {"clip": None},
    {"check_size": 41},
    {"stop": "held"},
    {"record_every": 50},
    {"record_size": 99},
    {"frozen": ("W_hy",)},
    {"hyperparameters": {"beta1": 0.8}},
    {"seed": 1},
    {"lengths": (10, 12)},
    {"make_net": maker(hidden_size=7)},
    {"make_net": maker(dtype="float64")},
    {"make_net": maker("tanh")},
    {"task": Watched()},
]


@pytest.mark.parametrize("change", OTHERS, ids=range(len(OTHERS)))
def test_another_trainings_file_is_refused(change, tmp_path):
    run(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(
        ValueError, match=r"net-0\.npz must be of this training, got another's: name another folder, or delete it"
    ):
        run(tmp_path, **change)
    assert contents(tmp_path) == before


def test_a_changed_task_of_the_same_name_is_another_training(tmp_path):
    class Changed(Watched):
        def sample(self, rng, n, seq_len):
            batch = super().sample(rng, n, seq_len)
            return batch._replace(target=3 - batch.target)

    run(tmp_path, task=Watched())
    with pytest.raises(ValueError, match=r"net-0\.npz must be of this training"):
        run(tmp_path, task=Changed())


def test_fewer_updates_than_the_file_has_made_are_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(
        ValueError, match=r"^updates must be at least the 300 that .*net-0\.npz has made, got 100: name another folder"
    ):
        run(tmp_path, updates=100)


def damage(path, kind):
    whole = path.read_bytes()
    with np.load(path) as file:
        arrays = dict(file)
    if kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "without its last byte":
        path.write_bytes(whole[:-1])
    elif kind == "a flipped byte":
        path.write_bytes(whole[:900] + bytes([whole[900] ^ 1]) + whole[901:])
    elif kind in ("empty", "garbage"):
        path.write_bytes(b"" if kind == "empty" else b"\x00garbage" * 99)
    elif kind == "a network":
        maker()(np.random.default_rng(0)).save(path)
    elif kind == "one array":
        with open(path, "wb") as file:
            np.save(file, arrays["flat"])
    elif kind in ("without flat", "without state"):
        np.savez(path, **{name: a for name, a in arrays.items() if name != kind.split()[1]})
    else:
        np.savez(path, **arrays | {"state": np.array(kind)})


KINDS = ["truncated", "without its last byte", "a flipped byte", "empty", "garbage", "a network", "one array"]
KINDS += ["without flat", "without state", "5", "{}", "[]", "null", "not JSON", '{"identity": 3}']


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_no_checkpoint_is_refused_and_left(kind, tmp_path):
    run(tmp_path)
    path = tmp_path / "net-0.npz"
    damage(path, kind)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"net-0\.npz (cannot be read \(.*\): delete it|is of another)") as caught:
        run(tmp_path)
    assert str(path) in str(caught.value)
    assert caught.value.__suppress_context__
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match=r"the checkpoint cannot be written: .*net-0\.npz"):
            run(folder)

    def refuse(*_):
        raise OSError(30, os.strerror(30))

    monkeypatch.setattr(checkpoints.os, "replace", refuse)
    with pytest.raises(OSError, match=r"the checkpoint cannot be written: Read-only file system: .*net-0\.npz"):
        run(tmp_path / "full")
    assert list((tmp_path / "full").iterdir()) == []
