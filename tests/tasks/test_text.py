"""A text: what is predicted, from what, and what is wrong with a file that is none."""

import codecs

import numpy as np
import pytest

from rnnkit.rng import streams
from rnnkit.tasks import check_length, load

ALPHABET = "abcdefghij"


@pytest.fixture
def text(tmp_path):
    def text(content):
        path = tmp_path / "mine.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load(str(path))

    return text


def test_parts_share_no_character(text):
    task = text("ab" * 45 + "cdefghijka")
    assert (task.n_train, task.n_test, task.input_size) == (90, 10, 11)
    drawn = task.sample(streams(0).data, 500, 9)
    assert set(drawn.x.ravel()) | set(drawn.target.ravel()) == {0, 1}
    tested = task.sample_test(streams(0).data, 500, 9)
    np.testing.assert_array_equal(np.unique(tested.x), np.arange(2, 11))


def test_windows_begin_at_every_place(text):
    task = text(ALPHABET * 10)
    drawn = task.sample(streams(0).data, 2000, 88)
    assert set(drawn.x[0]) == {0, 1}
    np.testing.assert_array_equal((drawn.x + 1) % 10, drawn.target)
    tested = task.sample_test(streams(0).data, 2000, 7)
    assert set(tested.x[0]) == {0, 1, 2}


@pytest.mark.parametrize("seq_len", [1, 2, 4, 9])
def test_each_character_of_the_test_part_is_predicted_once(text, seq_len):
    task = text(ALPHABET * 10)
    predicted = [batch.target.T[batch.mask.T] for batch in task.test_set(seq_len)]
    np.testing.assert_array_equal(np.concatenate(predicted), np.arange(1, 10))


def test_baselines_are_those_of_counting(text):
    task = text("ab" * 45 + "abababaaba")
    x = np.array([[0, 1]])
    np.testing.assert_allclose(np.exp(task.constant_logits()), [46 / 92, 46 / 92])
    np.testing.assert_allclose(np.exp(task.previous_logits(x))[0], [[1 / 47, 46 / 47], [45 / 46, 1 / 46]])
    found = task.previous_scores(9)
    assert (found.wrong.sum(), found.counted.sum()) == (1, 9)
    assert found.nll.sum() == pytest.approx(-4 * np.log(46 / 47) - 4 * np.log(45 / 46) - np.log(1 / 47))
    assert task.constant_scores(9).nll.sum() == pytest.approx(9 * np.log(2))


def test_a_text_shorter_than_a_sequence_is_told(text):
    task = text(ALPHABET * 10)
    check_length(task, 9)
    with pytest.raises(ValueError, match=r"^seq_len of task .*mine\.txt must be an integer in 1\.\.9, got 10$"):
        check_length(task, 10)


def test_a_byte_order_mark_is_no_character(text):
    assert text(codecs.BOM_UTF8 + b"ab" * 10).input_size == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the text must have 20 characters or more, got 0"),
        (b"a" * 19, "the text must have 20 characters or more, got 19"),
        (b"\xff\xfe" * 40, "the file must be a text in UTF-8, got "),
    ],
)
def test_a_file_that_is_no_text_is_told(text, content, told):
    with pytest.raises(ValueError, match=rf"^task='.*mine\.txt': {told}"):
        text(content)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"^task='.*no\.txt': the file cannot be read \(No such file or directory\)$"):
        load(str(tmp_path / "no.txt"))
