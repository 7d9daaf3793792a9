import datetime

import encoder_decoder as experiment
import numpy as np
import pytest

from rnnkit.rng import streams


@pytest.fixture
def make_config():
    def make(**keys):
        small = {"task": "reverse", "max_length": 5, "cell": "gru", "hidden_size": 8, "updates": 3, "batch_size": 4}
        return experiment.Config(**small | {"learning_rate": 0.01, "clip": 1.0, "seed": 0, "out": "nowhere"} | keys)

    return make


def words(symbols, lengths, alphabet):
    return ["".join(alphabet[s] for s in row[:n]) for row, n in zip(symbols.T, lengths, strict=True)]


def test_answers_are_the_words_turned_around(make_config):
    batch = experiment.draw(make_config(), np.random.default_rng(0), 300)
    asked = words(batch.x, batch.lengths, experiment.DIGITS)
    answers = words(batch.target, batch.target_lengths - 1, experiment.DIGITS)
    assert answers == [word[::-1] for word in asked]
    assert {len(word) for word in asked} == {1, 2, 3, 4, 5}
    assert (batch.target[batch.target_lengths - 1, np.arange(300)] == len(experiment.DIGITS)).all()  # then the end


def test_answers_are_the_dates_in_iso_form(make_config):
    batch = experiment.draw(make_config(task="dates"), np.random.default_rng(0), 300)
    asked = words(batch.x, batch.lengths, experiment.PRINTABLE)
    answers = words(batch.target, batch.target_lengths - 1, experiment.DATE_SYMBOLS)
    for written, iso in zip(asked, answers, strict=True):
        day = datetime.date.fromisoformat(iso)
        assert written in {day.strftime(form) for form in experiment.FORMATS}


def test_an_untrained_net_is_at_chance_and_every_column_is_there(make_config, monkeypatch):
    monkeypatch.setattr(experiment, "TEST", 200)
    monkeypatch.setattr(experiment, "VALIDATION", 50)
    measured = experiment.measure(make_config())
    assert measured.row.keys() == set(experiment.COLUMNS)
    assert measured.row["accuracy"] < 0.2
    assert [point["update"] for point in measured.history] == [3]


def test_the_same_seed_trains_the_same_net(make_config, monkeypatch):
    monkeypatch.setattr(experiment, "TEST", 50)
    monkeypatch.setattr(experiment, "VALIDATION", 50)
    first, again, other = (experiment.measure(make_config(seed=seed)).row["loss"] for seed in (1, 1, 2))
    assert first == again != other


def test_training_and_evaluation_draw_apart(make_config):
    config = make_config()
    axes = (streams(0).data, streams(0).order, streams(0).evaluation)
    drawn = [experiment.draw(config, axis, 50).x.tobytes() for axis in axes]
    assert len(set(drawn)) == 3
