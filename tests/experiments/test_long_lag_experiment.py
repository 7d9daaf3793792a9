"""Learning rules against finite differences of the error of a sequence, written out in NumPy; shares and caps."""

import long_lag as experiment
import numpy as np
import pytest
from long_lag import BPTT, LSTM, METHODS, RTRL, Config, Net, claims, draw, learn, show, start

from rnnkit.rng import streams
from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import table as tables
from rnnkit.tasks.long_lag import LongLag

P, STEP, CLOSE = 5, 1e-5, 1e-8  # central differences of an error of about 3: rounding 3e-16 / 1e-5, curvature 1e-10
BASE = {"case": "rtrl-4-1", "max_sequences": 3000, "max_outputs": 10**9, "replicates": 3, "seed": 0, "out": "unused"}


def config(**changes):
    return Config(**BASE | changes)


def net_of(name):
    net = start(name, P, streams(3).init)
    return Net(*(5 * part for part in net)) if name != "lstm" else net  # away from where all slopes are alike


def zeros(net):
    return Net(*(np.zeros_like(part) for part in net))


def logistic(z):
    return 1 / (1 + np.exp(-z))


def error_of(net, first, name, steps=P):
    """Return the summed error of a sequence, by the task's own symbols and the formulas of the docstring."""
    batch = LongLag(P).sample(np.random.default_rng(0), 20, P)
    column = int(np.flatnonzero(batch.x[0] == first)[0])
    h, total = 0.0, 0.0
    for symbol, target in list(zip(batch.x[:, column], batch.target[:, column], strict=True))[:steps]:
        if METHODS[name] == LSTM:
            h += logistic(net.w[1, symbol]) * logistic(net.w[0, symbol])
        else:
            h = logistic(net.w[0, symbol] + net.r[0] * h)
        output = logistic(net.V[symbol] + net.u * h)
        total += 0.5 * np.sum((np.eye(P + 1)[target] - output) ** 2)
    return total


def gradient(net, first, name):
    found = zeros(net)
    for part, slot in zip(net, found, strict=True):
        for place in np.ndindex(part.shape):
            kept, values = part[place], []
            for sign in (1, -1):
                part[place] = kept + sign * STEP
                values.append(error_of(net, first, name))
            part[place] = kept
            slot[place] = (values[0] - values[1]) / (2 * STEP)
    return found


@pytest.mark.parametrize("first", [0, 1])
def test_bptt_moves_along_the_gradient_of_the_sequence(first):
    net, rate = net_of("bptt"), 0.7
    expected, before = gradient(net, first, "bptt"), [part.copy() for part in net]
    _, error = show(first, BPTT, True, rate, net, zeros(net))
    assert error == pytest.approx(error_of(Net(*before), first, "bptt"), rel=1e-12)
    for part, old, slope in zip(net, before, expected, strict=True):
        np.testing.assert_allclose(part - old, -rate * slope, atol=CLOSE)


@pytest.mark.parametrize("name", ["rtrl", "lstm", "lstm_open"])
def test_learning_online_is_the_gradient_where_the_rate_is_small(name):
    net, rate = net_of(name), 1e-6
    expected, before = gradient(net, 1, name), [part.copy() for part in net]
    show(1, METHODS[name], True, rate, net, zeros(net))
    for part, old, slope in zip(net, before, expected, strict=True):
        np.testing.assert_allclose((part - old) / rate, -slope, atol=1e-5)


def test_rtrl_changes_weights_at_every_step():
    online, whole = net_of("rtrl"), net_of("rtrl")
    show(0, RTRL, True, 5.0, online, zeros(online))
    show(0, BPTT, True, 5.0, whole, zeros(whole))
    assert np.abs(online.u - whole.u).max() > 1e-2


def test_a_net_without_its_cell_has_no_use_for_it():
    net = net_of("lstm")
    before = [part.copy() for part in net]
    show(0, LSTM, False, 1.0, net, zeros(net))
    assert not np.array_equal(net.V, before[0])
    for part, old in zip(net[1:], before[1:], strict=True):
        np.testing.assert_array_equal(part, old)


def test_success_is_found_by_weights_as_they_are():
    net = zeros(net_of("rtrl"))  # made by hand: h tells the first symbol until the last step, V says the rest
    net.w[0][:], net.w[0][0], net.r[0] = -10, 10, 20  # h stays near 1 after x, near 0 after y
    net.V[:] = -10
    for symbol, target in [(0, 2), (1, 2), (2, 3), (3, 4), (4, 5)]:
        net.V[symbol, target] = 10
    net.V[P, :2], net.u[:2] = (-10, 10), (20, -20)
    net.V[:P, 0], net.V[:P, 1] = -30, -30
    kept, counts = [part.copy() for part in net], np.zeros(4, np.int64)
    _, solved = learn(np.array([0, 1, 0]), RTRL, True, 0.0, net, zeros(net), counts)
    assert solved
    assert counts[experiment.SHOWN] == 2
    assert all(np.array_equal(part, old) for part, old in zip(net, kept, strict=True))
    net.u[:] = 0  # without the hidden unit the last symbol cannot be told
    assert not learn(np.array([0, 1, 0]), RTRL, True, 0.0, net, zeros(net), np.zeros(4, np.int64))[1]


@pytest.mark.parametrize(("case", "weights"), [("rtrl-4-1", 36), ("rtrl-10-1", 144), ("lstm-100-1", 10504)])
def test_nets_have_the_papers_number_of_weights(case, weights):
    assert experiment.measure(config(case=case, max_sequences=5)).row["weights"] == weights


def test_a_cap_in_outputs_is_one_in_sequences():
    assert config(case="rtrl-4-1", max_outputs=2000).cap == 100  # 4 x 5 a sequence
    assert config(case="lstm-100-1", max_outputs=101_000).cap == 10
    assert config(max_outputs=10**9).cap == 3000


@pytest.mark.parametrize("case", ["gru-4-1", "rtrl-4", "rtrl-1-1", "rtrl-4-0", "rtrl-4--1", "", "rtrl-9999-1"])
def test_a_bad_case_is_refused_in_one_line(case):
    (said,) = faults(Config, BASE | {"case": case})
    assert said.startswith(("case must be method-p-learning rate as in rtrl-4-1", "case must have p from 2 to 1000"))
    assert said.endswith(f", got {case or repr(case)}")


def judged(tmp_path, case, cap, share):
    scientific = config(case=case).scientific()
    row = vars(experiment.measure(Config(**scientific, out="unused")))
    row["row"] |= {"cap": cap, "solved_share": share}
    store.write_record(tmp_path / "jobs" / store.identity(scientific), {"config": scientific, "seconds": 0.0} | row)
    tables.collect(tmp_path, [scientific], experiment.COLUMNS)
    return {c.claim.claim: c for c in claims(tables.read(tmp_path))}


@pytest.mark.parametrize(
    ("case", "claim", "cap", "share", "verdict"),
    [
        ("rtrl-4-1", "M2a", 5_000_000, 0.0, "fails"),
        ("rtrl-4-1", "M2a", 5_000_000, 1.0, "holds"),
        ("rtrl-4-1", "M2a", 4_000_000, 0.0, "undecided"),
        ("rtrl-10-1", "M2b", 5_000_000, 0.0, "holds"),
        ("rtrl-10-1", "M2b", 5_000_000, 1.0, "fails"),
        ("bptt-100-1", "M2b", 4_000_000, 0.0, "undecided"),
    ],
)
def test_too_short_a_cap_decides_nothing(tmp_path, monkeypatch, case, claim, cap, share, verdict):
    monkeypatch.setattr(experiment, "share_se", lambda k, n: 0.01)
    monkeypatch.setattr(experiment, "ENOUGH_RATES", 1)
    found = judged(tmp_path, case, cap, share)[claim]
    assert found.verdict == verdict
    assert f"rates 1, within {cap:,} sequences" in found.statement
    draw(tmp_path)
    assert (tmp_path / "solved.png").exists()


def test_one_learning_rate_decides_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(experiment, "share_se", lambda k, n: 0.01)
    assert judged(tmp_path, "rtrl-10-1", 5_000_000, 0.0)["M2b"].verdict == "undecided"
