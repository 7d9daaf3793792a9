"""Nets on small data sets in place of the real ones, the whole test part by hand, and every claim made to fail."""

import numpy as np
import pandas as pd
import pytest
import real_data
import sweeps
from commands import command
from common import held_out
from data_sets import plant
from real_data import Config, claims, draw, measure
from scipy.special import log_softmax

from rnnkit.rng import streams
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import Tables, read
from rnnkit.tasks import load
from rnnkit.tasks.data_set import Scores
from rnnkit.training.loop import Trained

BASE = {"task": "fashion_rows", "seq_len": "none", "net": "tanh", "hidden_size": 8, "optimizer": "adam", "seed": 0,
        "learning_rate": 0.01, "batch_size": 8, "updates": 25, "check_every": 25, "check_size": 20, "replicates": 2,
        "clip": 1.0, "out": "unused"}  # fmt: skip
COLUMNS = real_data.EXPERIMENT.columns
ROUNDING = 1e-6  # float32
TEXT = "abracadabra and other words of power. " * 30


@pytest.fixture(autouse=True)
def planted(tmp_path, monkeypatch):
    plant(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)  # checkpoints go where `out` says
    (tmp_path / "magic.txt").write_text(TEXT, encoding="utf-8")
    return tmp_path


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize(("name", "length"), [("fashion_rows", 28), ("fashion_pixels", 784), ("chorales", 32)])
def test_without_a_length_it_is_that_of_the_data(name, length):
    assert config(task=name).seq_len == length
    assert config(task=name).scientific() == config(task=name, seq_len=length).scientific()


def test_a_net_reads_the_whole_test_part():
    settings = config()
    task, net = settings.the_task, settings.make_net(streams(0).init)
    trained = Trained(0, "unsolved", None, None, 0, [], [], net)
    found = held_out.read_test_part(task, 28, trained)
    x, target = (np.concatenate(parts, axis=1) for parts in zip(*(b[:2] for b in task.test_set(28)), strict=True))
    y = net.forward(x.astype("f4")).y.astype(float)
    np.testing.assert_array_equal(found.wrong, y.argmax(axis=1) != target[0])
    np.testing.assert_allclose(found.nll, -log_softmax(y, axis=1)[np.arange(40), target[0]], rtol=ROUNDING)
    assert held_out.read_test_part(task, 28, trained._replace(outcome="diverged")) is None
    net.flat[0] = np.nan
    assert held_out.read_test_part(task, 28, trained) is None


def test_a_summary_of_shares_and_of_steps():
    shares = held_out.summary(Scores(np.array([1, 0, 0, 0]), np.array([2.0, 1, 1, 0]), np.ones(4)))
    assert (shares.error, shares.test_loss) == (0.25, 1.0)
    assert 0 < shares.error_low < 0.25 < shares.error_high < 1
    steps = held_out.summary(Scores(np.array([3, 1]), np.array([2.0, 6.0]), np.array([6, 2])))
    assert (steps.error, steps.test_loss) == (0.5, 1.0)
    assert (steps.error_se, steps.error_low, steps.error_high) == (0, 0.5, 0.5)
    assert steps.test_loss_se == pytest.approx(np.sqrt(2 * (4**2 + 4**2)) / 8)


def test_a_job_has_the_spread_of_its_nets_and_of_the_test_part():
    one, other = (Scores(np.array(w), np.array(w, float), np.ones(4)) for w in ([1, 0, 0, 0], [1, 1, 1, 0]))
    nets, job = held_out.of_nets([one, None, other])
    assert [row["error"] for row in nets] == [0.25, None, 0.75]
    assert job["error"] == 0.5
    between = 0.25  # of .25 and .75
    over_items = held_out.summary(Scores(np.array([1, 0.5, 0.5, 0]), np.array([1, 0.5, 0.5, 0]), np.ones(4)))
    assert job["test_loss_se"] == pytest.approx(np.hypot(between, over_items.test_loss_se))
    assert held_out.of_nets([one])[1]["error_se"] is None
    assert set(held_out.of_nets([None, None])[1].values()) == {None}


@pytest.mark.parametrize("name", ["fashion_rows", "chorales", "magic.txt"])
def test_a_job_and_its_baselines(planted, name, monkeypatch):
    monkeypatch.chdir(planted)
    settings = config(task=name, updates=100, seq_len="none" if name != "magic.txt" else 12)
    found = measure(settings)
    assert set(COLUMNS) <= set(found.row)
    task, row = load(name), found.row
    assert row["error"] == pytest.approx(np.mean([net["error"] for net in found.nets]))
    assert row["error_low"] < row["error"] < row["error_high"]
    assert row["constant_loss"] == task.constant_loss(settings.seq_len)
    assert row["test_loss"] < row["constant_loss"]  # it has learned something of what it was trained on
    assert (row["n_train"], row["n_test"]) == (task.n_train, task.n_test)
    assert (row["previous_loss"] is None) == (name == "fashion_rows")


def test_a_net_that_diverged_has_no_test(planted):
    row = measure(config(learning_rate=1e6, optimizer="sgd", cell="identity", clip="none")).row
    assert row["status"] == "diverged"
    assert row["error"] is row["test_loss"] is row["error_se"] is None


FAULTS = [
    (
        {"task": "copying"},
        "task must be one of digits_pixels, fashion_rows, fashion_pixels, chorales, or the path of a",
    ),
    ({"task": "no_such"}, "task must be a .py or .txt file or one of temporal_order, "),
    ({"task": "no.txt"}, "task='no.txt': the file cannot be read (No such file or directory)"),
    ({"task": 3}, "task must be a task of rnnkit, or the path of a .py file with one, or of a text (.txt), got 3"),
    ({"seq_len": 27}, "seq_len of task fashion_rows must be the integer 28, got 27"),
    ({"seq_len": "all"}, "seq_len must be none (that of the data) or an integer from 1 to 1000000"),
    ({"task": "magic.txt", "seq_len": 200}, "seq_len of task magic.txt must be an integer in 1..113, got 200"),
    ({"stop": "held"}, "stop must be never (or the test part would choose the net it judges), got held"),
    ({"task": "fashion_pixels", "batch_size": 100_000, "hidden_size": 4096}, "seq_len, batch_size and hidden_size"),
]


@pytest.mark.parametrize(("changes", "told"), FAULTS)
def test_faults_are_told_before_any_work(planted, monkeypatch, changes, told):
    monkeypatch.chdir(planted)
    (fault,) = faults(Config, BASE | changes)
    assert fault.startswith(told)


def test_what_is_not_installed_is_told_before_any_work(planted, monkeypatch):
    monkeypatch.setenv("RNNKIT_FASHION_MNIST", str(planted / "nowhere"))
    (fault,) = faults(Config, BASE)
    assert fault.startswith("task=fashion_rows: Fashion-MNIST is not installed, there is no ")


def test_a_sweep_from_its_command_line(planted, monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.chdir(planted)
    keys = [
        "preset=quick",
        "updates=50",
        "check_every=25",
        "hidden_size=4",
        "check_size=20",
        f"out={planted / 'found'}",
    ]
    done = command(real_data.EXPERIMENT.file, *keys)
    assert done.returncode == 0, done.stderr
    found = read(planted / "found")
    assert list(found.table.n_test) == [297] * 4
    assert set(found.table.status) == {"done"}
    assert (planted / "found" / "real_data.png").exists()
    assert {claim.verdict for claim in claims(found)} <= {"holds", "undecided"}  # too short to refute anything


def test_a_sweep_over_data_sets_is_drawn_and_judged(planted, monkeypatch):
    monkeypatch.chdir(planted)
    lengths = {"fashion_rows": "none", "chorales": 8, "magic.txt": 12}
    configs = [config(task=task, seq_len=length, net=net, clip=clip, spectral_radius=radius)
               for task, length in lengths.items() for net in ("tanh", "gru") for clip in ("none", 1.0)
               for radius in ("none", 1.0)]  # fmt: skip
    found = sweeps.collected(planted / "out", configs, measure, COLUMNS)
    draw(planted / "out")
    assert (planted / "out" / "real_data.png").exists()
    judged = claims(found)
    assert [claim.claim.claim for claim in judged] == ["R1"] * 2 + ["R2"] * 4 + ["R4"] * 6
    assert {claim.n for claim in judged} == {2}


def made_up(**columns):
    """Tables of digits by tanh and lstm, with a clip and without, and of chorales, as good as the claims ask."""
    keys = [("digits_pixels", net, clip) for net in ("tanh", "lstm") for clip in (np.inf, 1.0)]
    keys.append(("chorales", "tanh", 1.0))
    table = pd.DataFrame(keys, columns=["task", "net", "clip"]).assign(spectral_radius=np.nan, updates=2000)
    table["out"] = [f"jobs/{i}" for i in range(len(table))]
    table = table.assign(error=0.1, error_se=0.01, chance_error=0.9, test_loss=0.4, test_loss_se=0.01, n=3)
    table = table.assign(constant_loss=2.3, previous_loss=[np.nan] * 4 + [0.6])
    error = table.net.map({"tanh": 0.3, "lstm": 0.1})
    nets = [{"out": out, "replicate": i, "error": e + 0.01 * i, "test_loss": 0.4 + 0.001 * i}
            for out, e in zip(table.out, error, strict=True) for i in range(3)]  # fmt: skip
    tables = Tables(table, pd.DataFrame(nets), pd.DataFrame(), pd.DataFrame())
    for name, change in columns.items():
        frame, column = name.split("__")
        of_frame = getattr(tables, frame)
        tables = tables._replace(**{frame: of_frame.assign(**{column: change(of_frame)})})
    return tables


def verdicts(tables):
    return {(claim.claim.claim, claim.verdict) for claim in claims(tables)}


def test_claims_hold_of_nets_as_good_as_they_ask():
    assert verdicts(made_up()) == {(name, "holds") for name in ("R1", "R2", "R3", "R4")}


WRONG = {
    "R1": {"table__error": lambda table: table.error + 0.6},
    "R2": {"table__test_loss": lambda table: table.test_loss + 0.5},
    "R3": {"nets__error": lambda nets: 1 - nets.error + nets.replicate * 0.001},
    "R4": {"nets__test_loss": lambda nets: nets.test_loss + nets.out.isin(["jobs/1", "jobs/3"])},
}


@pytest.mark.parametrize("name", WRONG)
def test_claims_fail_of_wrong_data(name):
    spoilt = made_up(**WRONG[name])
    assert (name, "fails") in verdicts(spoilt)
    assert (name, "holds") not in verdicts(spoilt)
    short = spoilt._replace(table=spoilt.table.assign(updates=500))
    assert {claim.verdict for claim in claims(short) if claim.claim.claim == name} == {"undecided"}


def test_jobs_are_paired_with_their_like_alone():
    tables = made_up()
    other = tables.table.assign(updates=4000, out=tables.table.out + "b")
    nets = tables.nets.assign(out=tables.nets.out + "b")
    both = Tables(pd.concat([tables.table, other]), pd.concat([tables.nets, nets]), tables.lags, tables.history)
    paired = [claim for claim in claims(both) if claim.claim.claim in ("R3", "R4")]
    assert len(paired) == 2 * len([claim for claim in claims(tables) if claim.claim.claim in ("R3", "R4")])
    assert {claim.n for claim in paired} == {3}
    missing = tables._replace(nets=tables.nets[tables.nets.out != "jobs/0"])
    assert "undecided" in {claim.verdict for claim in claims(missing) if claim.claim.claim == "R4"}
