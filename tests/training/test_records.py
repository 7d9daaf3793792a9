"""Records of gradients during a training: the training is as without, and they outlive a kill."""

import json

import numpy as np
import pytest
from test_checkpoints import KEYS, LENGTHS, KilledError, contents, run
from training_cases import ORDER, SWITCHES, Silent, Watched, maker, protocol, same

from rnnkit.gradients.record import gradient_record
from rnnkit.networks import recipes
from rnnkit.rng import streams
from rnnkit.tasks import TASKS
from rnnkit.training import checkpoints
from rnnkit.training.loop import train
from rnnkit.training.protocol import BLOCK

EVERY, SIZE = 4 * BLOCK, 7  # every second check
RECORDED = {"record_every": EVERY, "record_size": SIZE}


def watched(folder, **keys):
    task = Watched()
    (trained,) = train(maker(task=task), task, LENGTHS, protocol(**KEYS | keys), seed=1, folder=folder)
    return trained, task


@pytest.mark.parametrize("task", [SWITCHES, ORDER], ids=["sigmoid", "softmax"])
def test_a_record_is_of_the_loss_that_is_trained(task):
    """Of sequences drawn alike: one update at a learning rate next to nothing, whose loss history tells."""
    keys = {"updates": BLOCK, "check_every": BLOCK, "learning_rate": 1e-12, "record_every": BLOCK, "record_size": 4000}
    (trained,) = train(maker(task=task), task, 12, protocol(**keys), seed=3)
    assert trained.records[0]["loss"] == pytest.approx(trained.history[0]["test_loss"], rel=0.05)


def kept(folder):
    """Return what a checkpoint holds of the training, without what is recorded."""
    with np.load(folder / "net-0.npz") as file:
        state = json.loads(str(file["state"]))
        del state["identity"], state["records"], state["rng"]["probe"]
        return repr(state), file["flat"].tobytes(), file["moments"].tobytes()


def test_the_training_is_the_same_bit_for_bit(tmp_path):
    """Weights, history, what was drawn, and in the checkpoint moments and the other generators."""
    (plain, drawn), (recorded, also_drawn) = watched(tmp_path / "plain"), watched(tmp_path / "recorded", **RECORDED)
    assert plain.records == []
    assert len(recorded.records) == 4
    assert same(recorded._replace(records=[]), plain)
    assert also_drawn.training == drawn.training
    assert [row for row in also_drawn.tests if row[0] != SIZE] == drawn.tests
    assert [row[:2] for row in also_drawn.tests if row[0] == SIZE] == [(SIZE, LENGTHS[1])]  # the probe, drawn once
    states = [kept(tmp_path / name) for name in ("plain", "recorded")]
    assert states[0] == states[1]


def test_records_are_of_the_weights_then_on_the_same_sequences():
    """The first of the net as it is made, the last of the net that is returned; on the longest length."""
    trained = run(**RECORDED)
    assert [row["update"] for row in trained.records] == [0, EVERY, 2 * EVERY, 3 * EVERY]
    x, target, _ = ORDER.sample(streams(0).probe, SIZE, LENGTHS[1])
    for net, row in ((maker()(streams(0).init), trained.records[0]), (trained.net, trained.records[-1])):
        assert row == {"update": row["update"]} | gradient_record(net, x, target[0], loss="softmax")
    assert trained.records[-1]["spectral_radius"] == trained.history[-1]["spectral_radius"]
    still = run(frozen=tuple(trained.net.parameters), **RECORDED).records
    assert all(row == still[0] | {"update": row["update"]} for row in still)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_records_outlive_a_kill(k, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS", 0)

    def progress(trained):
        if len(trained.history) == k:
            raise KilledError

    whole = run(tmp_path / "whole", **RECORDED)
    with pytest.raises(KilledError):
        train(maker(), ORDER, LENGTHS, protocol(**KEYS | RECORDED), folder=tmp_path / "cut", progress=progress)
    resumed = run(tmp_path / "cut", **RECORDED)
    assert resumed.records == whole.records
    assert same(resumed, whole)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_net_that_diverges_is_recorded_there():
    keys = {"learning_rate": 1e30, "record_every": BLOCK}
    (trained,) = train(maker("relu"), ORDER, 10, protocol(**keys))
    assert trained.outcome == "diverged"
    assert [row["update"] for row in trained.records] == [0, trained.updates]
    assert trained.updates < BLOCK


def test_weights_that_are_not_finite_are_counted():
    frozen = ("l0.W_hh", "l0.b_h", "W_hy", "b_y")
    keys = {"learning_rate": 1e10, "updates": BLOCK, "check_size": 90, "frozen": frozen, "record_every": BLOCK}
    (trained,) = train(maker(task=Silent()), Silent(), 3, protocol(**keys))
    assert [row["n_nonfinite"] > 0 for row in trained.records] == [False, True]
    assert trained.records[-1]["exponent"] is None


def test_a_masked_task_of_every_output_is_recorded():
    copying = TASKS["copying"]

    def make_net(rng):
        return recipes.make("lstm", copying.input_size, 5, copying.output_size, rng, output="every")

    (trained,) = train(make_net, copying, 4, protocol(record_every=BLOCK))
    rows = trained.records[-1]["lags"]["l0"]
    assert rows["lag"] == list(range(copying.steps(4)))
    assert np.isfinite(np.array(rows["log_norm"], float)).all()
