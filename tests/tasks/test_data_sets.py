"""What holds for every data set: what its batches hold, that the test part is read once, and baselines by counting."""

import numpy as np
import pytest
from data_sets import plant
from scipy.special import expit, softmax

from rnnkit.rng import streams
from rnnkit.tasks import DATA_SETS, Batch, DataSet, check_length, load
from rnnkit.tasks.data_set import frequency_logits, joined, scores, windows
from rnnkit.tasks.user_file import batch_faults, draw_faults

ROUNDING = 1e-12
TEXT = "the cat sat on the mat and the dog sat on the log. " * 12


@pytest.fixture(params=[*DATA_SETS, "TEXT.txt"])
def task(request, tmp_path, monkeypatch):
    if request.param == "digits_pixels":
        pytest.importorskip("sklearn")
    plant(tmp_path, monkeypatch)
    (tmp_path / "TEXT.txt").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return load(request.param)


def test_batches_are_as_the_contract_says(task):
    for draw in (task.sample, task.sample_test):
        first, again = (draw(streams(3).data, 7, task.seq_len) for _ in range(2))
        assert batch_faults(task, first, 7, task.seq_len) == []
        assert draw_faults(first, again) == []
        assert not np.shares_memory(first.x, first.target)
    assert isinstance(task, DataSet)
    check_length(task, task.seq_len)


def test_the_test_part_is_read_once_whatever_the_length(task):
    counted = sum(scores(np.zeros((*batch.target.shape[:2], task.output_size)), batch, task.loss).counted.sum()
                  for batch in task.test_set(task.seq_len))  # fmt: skip
    of_part = {"digits_pixels": 297, "fashion_rows": 40, "fashion_pixels": 40, "chorales": 10 + 15}
    assert counted == of_part.get(task.name, len(TEXT) // 10 - 1)


def test_baselines_are_numbers_between_nothing_and_chance(task):
    assert 0 < task.chance_error(task.seq_len) <= 1
    chance = np.log(2) * task.output_size if task.loss == "sigmoid" else np.log(task.output_size)
    assert 0 < task.constant_loss(task.seq_len) < 1.2 * chance
    if task.previous:
        assert task.previous_scores(task.seq_len).nll.sum() < task.constant_scores(task.seq_len).nll.sum()


def test_of_equal_classes_the_best_constant_answers_one(tmp_path, monkeypatch):
    plant(tmp_path, monkeypatch)
    task = load("fashion_rows")
    assert task.chance_error(28) == 0.9
    assert task.constant_loss(28) == pytest.approx(np.log(10))


def test_scores_by_hand():
    z = np.array([[[0.0, 1.0, 2.0], [3.0, 3.0, 0.0]], [[5.0, 0.0, 0.0], [0.0, 0.0, np.nan]]])
    batch = Batch(z, np.array([[2, 0], [1, 0]]), np.array([[True, True], [False, True]]))
    found = scores(z, batch, "softmax")
    np.testing.assert_array_equal(found.wrong, [0, 2])  # a tie, and a nan
    np.testing.assert_array_equal(found.counted, [1, 2])
    assert found.nll[0] == pytest.approx(-np.log(softmax(z[0, 0])[2]))
    flags = Batch(z, np.array([[[0, 1, 1], [1, 1, 0]], [[0, 0, 0], [0, 1, 1]]], float), batch.mask)
    found = scores(z, flags, "sigmoid")
    np.testing.assert_array_equal(found.wrong, [1, 2])  # a logit of 0 says neither
    p = expit(z[0, 0])
    assert found.nll[0] == pytest.approx(-np.log((1 - p[0]) * p[1] * p[2]))
    with pytest.raises(ValueError, match=r"^loss must be one of softmax, sigmoid, got 'mse'$"):
        scores(z, batch, "mse")


def test_scores_of_batches_are_those_of_all():
    rng = np.random.default_rng(0)
    z, target = rng.standard_normal((4, 6, 3)), rng.integers(3, size=(4, 6))
    whole = scores(z, Batch(z, target), "softmax")
    parts = joined([scores(z[:, i : i + 2], Batch(z, target[:, i : i + 2]), "softmax") for i in (0, 2, 4)])
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_frequencies_count_each_once_more():
    np.testing.assert_allclose(np.exp(frequency_logits(np.array([0, 0, 2]), 4)), np.array([3, 1, 2, 1]) / 7)


def test_windows_end_where_they_should():
    x, target, mask = windows(np.arange(10) * 10, np.array([0, 6]), np.array([9, 8]), 4)
    np.testing.assert_array_equal(x.T, [[0, 10, 20, 30], [60, 70, 80, 80]])
    np.testing.assert_array_equal(target.T, [[10, 20, 30, 40], [70, 80, 80, 80]])
    np.testing.assert_array_equal(mask.T, [[True] * 4, [True, True, False, False]])
