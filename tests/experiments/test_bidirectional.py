"""The task whose answer lies to the right, and its two arms."""

import bidirectional as experiment
import numpy as np
import pytest
from bidirectional import CHANCE, Config, claims, draw, measure, sample

from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import table as tables

BASE = {
    "direction": "both", "shift": 2, "seq_len": 8, "hidden_size": 12, "batch_size": 15, "updates": 120,
    "learning_rate": 0.02, "replicates": 2, "seed": 0, "out": "unused",
}  # fmt: skip


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize("shift", [0, 1, 3])
def test_the_answer_is_the_symbol_so_many_steps_later(shift):
    batch = sample(config(shift=shift), np.random.default_rng(0), 5)
    for t in range(8):
        if t + shift < 8:
            assert (batch.target[t] == batch.x[t + shift]).all()
        assert batch.mask[t].all() == (t + shift < 8)
    assert (~batch.mask).sum() == shift * 5


def test_masked_steps_do_not_count():
    class Perfect:
        def forward(self, x):
            y = np.zeros((*x.shape, experiment.SYMBOLS))
            answers = np.roll(x, -2, axis=0)
            answers[-2:] = (answers[-2:] + 1) % experiment.SYMBOLS  # wrong where there is no answer
            np.put_along_axis(y, answers[..., None], 1.0, axis=2)
            return type("Run", (), {"y": y})

    assert experiment.error(Perfect(), sample(config(), np.random.default_rng(0), 50)) == 0


def test_both_arms_see_the_same_training_sequences(monkeypatch):
    seen = []

    def spy(*arguments):
        seen.append(sample(*arguments).x)
        return sample(*arguments)

    monkeypatch.setattr(experiment, "sample", spy)
    for direction in ("one", "both"):
        experiment.train(config(direction=direction, updates=1), 0)
    one, one_test, both, both_test = seen
    np.testing.assert_array_equal(one, both)
    np.testing.assert_array_equal(one_test, both_test)
    assert one.tobytes() != one_test.tobytes()


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"direction": "left"}, "direction must be one or both, got left"),
        ({"direction": True}, "direction must be one or both, got True"),
        ({"shift": 8}, "shift must be below seq_len=8, got 8"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0, up to 10, got 0"),
    ],
)
def test_bad_input_is_refused(bad, said):
    assert faults(Config, BASE | bad) == [said]


def test_a_sweep_is_drawn_and_judged(tmp_path):
    plan = [config(direction=direction).scientific() for direction in ("one", "both")]
    for scientific in plan:
        record = {"config": scientific, "seconds": 0.0} | vars(measure(Config(**scientific, out="unused")))
        store.write_record(tmp_path / "jobs" / store.identity(scientific), record)
    tables.collect(tmp_path, plan, experiment.COLUMNS)
    draw(tmp_path)
    assert (tmp_path / "learning.png").exists()
    judged = {c.claim.claim: c for c in claims(tables.read(tmp_path))}
    assert judged.keys() == {"S7a", "S7b", "S7c"}
    assert abs(judged["S7a"].measured - CHANCE) < 0.05
    assert judged["S7b"].measured < judged["S7a"].measured
    assert judged["S7c"].measured == pytest.approx(judged["S7a"].measured - judged["S7b"].measured, abs=1e-6)
