"""Chorales: scores to rolls, the split, the cache, and sequences that never reach beyond a piece."""

from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from data_sets import MUSIC21, plant, some_pieces

from rnnkit.rng import streams
from rnnkit.tasks import chorales, load
from rnnkit.tasks.polyphony import Polyphony


@pytest.fixture
def planted(tmp_path, monkeypatch):
    plant(tmp_path, monkeypatch)
    return tmp_path / "cache" / "rnnkit" / f"chorales-{chorales.FORMAT}-music21-{MUSIC21}.npz"


def pieces(*lengths):
    """Return rolls of two pitches: the first sounds at the first step of a piece, the second at its last."""
    found = [np.zeros((length, 5), bool) for length in lengths]
    for piece in found:
        piece[0, 1] = piece[-1, 3] = True
    return found


def test_notes_sound_on_the_beats_that_they_last():
    notes = [(0, 1, [60]), (0.5, 0.5, [61]), (0.5, 1.0, [62, 64]), (1, 0, [65]), (2, 2, [60])]
    found = chorales.roll(notes)
    assert found.shape == (4, 128)
    assert [np.flatnonzero(row).tolist() for row in found] == [[60], [62, 64], [60], [60]]


def test_every_fifth_is_for_tests(planted):
    task = load("chorales")
    lengths = [len(piece) for piece in some_pieces()]
    assert (task.n_train, task.n_test, task.input_size, task.lowest) == (10, 2, 8, 40)
    assert task.test[2].tolist() == lengths[4::5]
    assert task.train[2].tolist() == [length for i, length in enumerate(lengths) if i % 5 != 4]


def test_what_was_read_once_is_kept(planted, monkeypatch):
    first = load("chorales")
    assert planted.exists()
    assert [path.name for path in planted.parent.iterdir()] == [planted.name]
    monkeypatch.setattr(chorales, "parse_all", None)
    chorales._kept.cache_clear()
    np.testing.assert_array_equal(load("chorales").train[0], first.train[0])


def test_a_damaged_file_is_told(planted):
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"^task=chorales: .*\.npz cannot be read .*: delete it, and the scores are"):
        load("chorales")


def test_a_cache_that_cannot_be_written_is_told(planted):
    planted.parents[1].write_text("a file where the folder should be")
    with pytest.raises(ValueError, match=r"^task=chorales: the chorales cannot be kept in .*: name a folder"):
        load("chorales")


def test_scores_that_cannot_be_read_are_told(planted, monkeypatch):
    monkeypatch.setattr(chorales, "parse_all", lambda: {}["score"])
    with pytest.raises(ValueError, match=r"^task=chorales: the scores of music21 cannot be read .*: install it again$"):
        load("chorales")


def test_without_music21_it_is_told_what_to_install(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(chorales, "version", missing)
    with pytest.raises(
        ValueError, match=r"^task=chorales: the chorales need music21, .* pip install 'rnnkit\[music\]'$"
    ):
        load("chorales")


@pytest.mark.parametrize("asked", ["", "relative/path"])
def test_a_cache_folder_that_is_not_absolute_is_ignored(monkeypatch, tmp_path, asked):
    monkeypatch.setenv("XDG_CACHE_HOME", asked)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert chorales.cache_folder() == tmp_path / ".cache" / "rnnkit"


def test_sequences_stay_within_their_piece():
    task = Polyphony("p", pieces(9, 3, 5), pieces(4))
    x, target, mask = task.sample(streams(0).data, 4000, 4)
    assert (x[1:][mask[1:]] == target[:-1][mask[1:]]).all()
    first, last = (target[:, :, pitch] * mask for pitch in (0, 2))
    assert first[1:].sum() == 0  # the first chord of a piece follows silence alone
    assert (x[:, first[0] > 0].sum(axis=(0, 2))[mask[:, first[0] > 0].sum(axis=0) > 1] > 0).all()
    ends = last.argmax(axis=0)[last.any(axis=0)]
    assert set(ends) == {2, 3}  # of the piece of 3, and of the others
    assert not mask[3, last[2] > 0].any()
    starts = np.array([9 - 4 + 1, 1, 5 - 4 + 1])
    share = (mask.sum(axis=0) == 3).mean()
    assert abs(share - 1 / starts.sum()) < 5 * np.sqrt(share / 4000)


def test_the_test_part_is_whole_pieces():
    task = Polyphony("p", pieces(9), pieces(4, 7))
    (batch,) = task.test_set(2)
    assert batch.x.shape == (7, 2, 3)
    np.testing.assert_array_equal(batch.mask.sum(axis=0), [4, 7])
    assert (batch.x[0] == 0).all()
    np.testing.assert_array_equal(batch.target[[3, 6], [0, 1], 2], [1, 1])


def test_baselines_are_those_of_counting():
    held = np.array([[0, 1], [1, 1], [1, 1], [0, 1]], bool)
    task = Polyphony("p", [held], [held[:3]])
    np.testing.assert_allclose(task.constant_logits(), np.log([3 / 3, 5 / 1]))
    x = np.array([[[0.0, 0.0]], [[1.0, 1.0]]])
    np.testing.assert_allclose(task.previous_logits(x)[:, 0], np.log([[2 / 2, 2 / 1], [2 / 2, 4 / 1]]))
    assert task.constant_scores(2).nll.sum() == pytest.approx(3 * np.log(2) - 3 * np.log(5 / 6))
