"""The row, the nets and the history of a job that trains: of nets made by hand, and of a job that is run."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from common import training
from common.training import COLUMNS, TrainingConfig, measure_training, median_first, of_checks, of_nets, train_nets
from test_training_config import GOOD

from rnnkit import RNN
from rnnkit.networks import recipes
from rnnkit.rng import streams
from rnnkit.runner.jobs import sources, store
from rnnkit.runner.jobs.config import faults
from rnnkit.tasks import load
from rnnkit.training.loop import Trained, train

MINE = """
import numpy as np
from rnnkit.tasks import Batch, Task

class Mine(Task):
    name, input_size, output_size = "mine", 3, 3

    def sample(self, rng, n, seq_len):
        x = rng.integers(3, size=(n, seq_len)).T  # in Fortran's order
        return Batch(x{}, x[-1:])

    def chance_error(self, seq_len):
        return 2 / 3

    def constant_loss(self, seq_len):
        return float(np.log(3))
"""


def history(*updates, **keys):
    row = {"loss": 1.0, "log10_grad_norm": -1.0, "largest_grad_norm": 2.0, "clip_fraction": 0.5, "n_nonfinite": 0}
    row |= {"omega": 0.0, "error": 0.5, "tested": 40, "test_loss": 1.5, "passed": False, "spectral_radius": 0.7}
    return [row | {"update": update} | keys for update in updates]


def blown(*updates):
    """A history whose last row is of an update that was not made."""
    *good, last = history(*updates)
    bad = {"loss": math.nan, "n_nonfinite": 7, "largest_grad_norm": 1e30, "clip_fraction": 0.0}
    return [*good, {k: v for k, v in (last | bad).items() if k not in ("error", "tested", "test_loss", "passed")}]


def trained(replicate, outcome, updates, rows, first=None, held=None):
    return Trained(replicate, outcome, first, held, updates, rows, [], RNN(6, 5, 4, output="last"))


SOLVED = trained(0, "solved", 75, history(25, 50, 75, error=0.0), 50, 75)
UNSOLVED = trained(1, "unsolved", 100, history(25, 50, 75, 100, error=0.4))
DIVERGED = trained(2, "diverged", 30, blown(25, 30))
AT_ONCE = trained(3, "diverged", 0, blown(0))
CONFIG = TrainingConfig(**GOOD)


def test_a_row_counts_what_became_of_the_nets():
    nets = [SOLVED, UNSOLVED, DIVERGED, AT_ONCE]
    measured = of_nets(CONFIG, nets)
    row = measured.row
    assert (row["n_solved"], row["n_unsolved"], row["n_diverged"], row["n"], row["n_held"]) == (1, 1, 2, 4, 1)
    assert row["solved_share"] == 0.25
    assert row["wilson_low"] < 0.25 < row["wilson_high"]
    assert row["median_first"] is None
    assert row["error"] == pytest.approx(0.2)  # of the two that have one
    assert row["largest_grad_norm"] == 1e30
    assert (row["n_nonfinite"], row["updates_made"], row["status"]) == (14, 205, "done")
    assert measured.message == "2 of 4 nets diverged"
    assert set(row) == set(COLUMNS)
    assert (row["chance_error"], row["constant_loss"]) == (0.75, pytest.approx(math.log(4)))


def test_a_row_of_each_net():
    rows = of_nets(CONFIG, [SOLVED, UNSOLVED, DIVERGED, AT_ONCE]).nets
    assert [r["error"] for r in rows] == [0.0, 0.4, None, None]
    assert [r["clip_fraction"] for r in rows] == [0.5, 0.5, pytest.approx(0.5 * 25 / 30), 0.0]  # by updates
    assert [(r["first"], r["held"], r["updates"]) for r in rows] == [
        (50, 75, 75), (None, None, 100), (None, None, 30), (None, None, 0)
    ]  # fmt: skip
    start = CONFIG.make_net(streams(0, 2).init).parameters["l0.W_hh"]
    assert rows[2]["spectral_radius_start"] == pytest.approx(np.abs(np.linalg.eigvals(start)).max(), rel=1e-5)
    assert rows[2]["gain_start"] == pytest.approx(np.linalg.norm(start) / np.sqrt(5), rel=1e-5)


def test_where_all_diverged_the_job_says_so():
    measured = of_nets(CONFIG, [DIVERGED, AT_ONCE])
    assert (measured.row["status"], measured.row["error"], measured.row["test_loss"]) == ("diverged", None, None)
    assert (measured.row["n_diverged"], measured.row["n"]) == (2, 2)
    assert measured.message == "2 of 2 nets diverged"


def test_history_has_means_over_the_nets_that_are_still_in_training():
    rows = {row["update"]: row for row in of_checks([SOLVED, UNSOLVED, DIVERGED, AT_ONCE])}
    assert list(rows) == [0, 25, 30, 50, 75, 100]
    assert [rows[u]["n_training"] for u in rows] == [1, 3, 1, 2, 2, 1]
    assert [rows[u]["n_solved"] for u in rows] == [0, 0, 0, 1, 1, 1]
    assert rows[25]["error"] == pytest.approx((0.0 + 0.4 + 0.5) / 3)
    assert rows[30]["error"] is None
    assert rows[100]["error"] == 0.4


@pytest.mark.parametrize(
    ("firsts", "median"),
    [([50], 50), ([None], None), ([75, 25, 50], 50), ([25, 100], 62.5), ([25, None], None), ([25, 50, None], 50),
     ([25, None, None], None), ([25, 50, 100, None], 75), ([25, 50, None, None], None)],
)  # fmt: skip
def test_the_median_is_over_all_nets(firsts, median):
    assert median_first([UNSOLVED._replace(first=first) for first in firsts]) == median


def config_of(tmp_path, **keys):
    return TrainingConfig(**GOOD | {"out": str(tmp_path / "out")} | keys)


def test_a_job_trains_and_keeps_its_checkpoints_beside_its_record(tmp_path):
    config = config_of(tmp_path)
    measured = measure_training(config)
    assert measured.row["n"] == len(measured.nets) == 3
    assert [row["update"] for row in measured.history] == [25, 50]
    (folder,) = (tmp_path / "out" / "jobs" / store.identity(config.scientific())).iterdir()
    assert folder.name == f"checkpoints-{sources.code_identity(Path(training.__file__))}"
    assert sorted(p.name for p in folder.iterdir()) == ["net-0.npz", "net-1.npz", "net-2.npz"]
    assert measure_training(config) == measured
    assert train_nets(config)[2].net.flat.tobytes() == train_nets(config_of(tmp_path / "b"))[2].net.flat.tobytes()


def test_a_job_whose_nets_all_blow_up_is_a_row(tmp_path):
    measured = measure_training(
        config_of(tmp_path, net="relu", learning_rate=1e6, clip="none", updates=500, check_every=500)
    )
    counts = [measured.row[f"n_{word}"] for word in ("solved", "unsolved", "diverged")]
    assert sum(counts) == measured.row["n"] == 3
    assert measured.row["status"] == ("diverged" if counts[2] == 3 else "done")


def test_a_users_task_trains(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE.format(""))
    config = config_of(tmp_path, task=str(file), seq_len=3, learning_rate=1.0, updates=500, check_every=50)
    measured = measure_training(config)
    assert measured.row["n_solved"] == 3
    assert measured.row["chance_error"] == pytest.approx(2 / 3)


def test_a_users_task_that_changes_is_trained_anew(tmp_path):
    file, nets = tmp_path / "mine.py", []
    for text in (MINE.format(""), MINE.format("[::-1]"), MINE.format("")):
        file.write_text(text)
        nets.append(train_nets(config_of(tmp_path, task=str(file), seq_len=3))[0].net.flat.tobytes())
    assert nets[0] == nets[2] != nets[1]


@pytest.mark.parametrize(
    "wrong", ["x + 3 * (seq_len > 1)", "x[min(1, seq_len - 1):]", "x * (1 if seq_len == 1 else 1.0)"]
)
def test_what_a_users_task_gets_wrong_beyond_the_trial_is_told(wrong, tmp_path):
    """The kernels would write beyond their arrays."""
    file = tmp_path / "mine.py"
    file.write_text(MINE.format("").replace("Batch(x,", f"Batch({wrong},"))
    (found,) = faults(TrainingConfig, GOOD | {"task": str(file), "seq_len": 3})
    assert found.startswith("task mine: x ")  # before the first job
    with pytest.raises(ValueError, match=re.escape("task mine of seq_len=3: x ")):
        train(lambda rng: recipes.make("tanh", 3, 4, 3, rng), load(str(file)), 3, CONFIG.protocol())
