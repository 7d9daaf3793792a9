import character_model as experiment
import numpy as np
import pytest
from pydantic import ValidationError

ROUNDING = 1e-6  # float32 sums of a handful of terms


@pytest.fixture
def make_config():
    def make(**keys):
        small = {"text": "hello world", "path": "none", "cell": "lstm", "layers": 1, "hidden_size": 16, "seq_len": 50}
        small |= {"batch_size": 32, "updates": 5, "learning_rate": 0.01, "clip": 1.0, "temperature": 0.7}
        return experiment.Config(**small | {"sample_length": 5, "seed": 0, "out": "nowhere"} | keys)

    return make


def test_parts_lie_side_by_side_and_overlap_by_the_character_they_predict(make_config):
    text = np.arange(23)
    parts = experiment.parts_of(text, make_config(seq_len=5, batch_size=3))
    np.testing.assert_array_equal(parts.T, [range(0, 8), range(7, 15), range(14, 22)])
    short = experiment.parts_of(text, make_config(seq_len=50))
    np.testing.assert_array_equal(short[:, 0], text)


def test_it_learns_the_articles_text_by_heart(make_config):
    measured = experiment.measure(make_config(updates=200, sample_length=10, temperature=0.01))
    assert measured.row.keys() == set(experiment.COLUMNS)
    assert measured.row["sample"] == "hello world"
    assert measured.row["bits_per_character"] < experiment.BY_HEART.bar < measured.row["unigram_bits"]
    assert measured.row["alphabet"] == 8
    assert measured.history[0]["bits"] > measured.history[-1]["bits"]


def test_bits_of_equal_chances_are_the_log_of_the_alphabet(make_config):
    import rnnkit

    net = rnnkit.RNN(8, 4, 8)
    net.flat[:] = 0
    assert experiment.bits_per_character(net, np.array([0, 3, 1, 7])) == pytest.approx(3, abs=ROUNDING)
    assert experiment.unigram_bits(np.arange(8), np.arange(8), 8) == pytest.approx(3)


def test_the_last_tenth_of_a_text_is_held_out(make_config, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("ab" * 900 + "cd" * 100, encoding="utf-8")
    row = experiment.measure(make_config(path=str(path))).row
    assert (row["characters"], row["alphabet"], row["n"]) == (2000, 4, 199)
    assert row["unigram_bits"] > 9  # c and d never occur in what is trained on


@pytest.mark.parametrize("content", [None, b"", b"a", b"\xff\xfe\xff"])
def test_a_path_without_a_text_is_named_before_any_work(make_config, tmp_path, content):
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValidationError, match="path must be "):
        make_config(path=str(path))
