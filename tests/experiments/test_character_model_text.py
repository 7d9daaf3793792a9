"""What the character model reads: letters, whatever stands around them in a file."""

import codecs

import character_model as experiment
import pytest

KEYS = {"text": "hello world", "cell": "tanh", "layers": 1, "hidden_size": 4, "seq_len": 50, "batch_size": 32}
KEYS |= {"updates": 5, "learning_rate": 0.01, "clip": 1.0, "temperature": 0.7, "sample_length": 5, "seed": 0}


@pytest.fixture
def row_of(tmp_path):
    def row_of(content):
        (tmp_path / "text.txt").write_bytes(content)
        return experiment.measure(experiment.Config(**KEYS, path=str(tmp_path / "text.txt"), out="nowhere")).row

    return row_of


def test_a_byte_order_mark_is_no_letter(row_of):
    with_mark, without = row_of(codecs.BOM_UTF8 + b"hello"), row_of(b"hello")
    assert with_mark == without
    assert (without["characters"], without["alphabet"]) == (5, 4)


def test_a_file_of_a_mark_and_one_letter_is_too_short(tmp_path):
    (tmp_path / "text.txt").write_bytes(codecs.BOM_UTF8 + b"a")
    with pytest.raises(ValueError, match=r"path must be a text of 2 characters or more, got .*, which has 1\b"):
        experiment.Config(**KEYS, path=str(tmp_path / "text.txt"), out="nowhere")
