"""What the cells of a chrono-initialized LSTM keep: theory, its picture and its verdicts."""

import numpy as np
import pytest
import sweeps
from chrono import COLUMNS, Config, claims, draw, make_net, measure, measure_net

from rnnkit.rng import streams

BASE = {"longest": 20, "hidden_size": 30, "replicates": 3, "seed": 0, "out": "unused"}
ROUNDING = 1e-9


def config(**changes):
    return Config(**BASE | changes)


def test_the_cells_alone_keep_the_powers_of_their_gates():
    alone, whole = measure_net(config(), 1)
    net = make_net(config(), streams(0, 1))
    blocks = list(net.cell.entered()["b"])
    f = 1 / (1 + np.exp(-net.parameters["l0.b_h"].reshape(-1, 30)[blocks.index("f")]))
    lags = np.arange(61)[:, None]
    np.testing.assert_allclose(alone, 0.5 * np.log(np.mean(f ** (2 * lags), axis=1)), rtol=0, atol=ROUNDING)
    assert (1 / (1 - f) >= 2 - ROUNDING).all()
    assert (1 / (1 - f) <= 20 + ROUNDING).all()
    assert abs(whole[-1] - alone[-1]) > 1e-3  # another net: recurrent weights and input


def test_a_sweep_is_drawn_and_judged(tmp_path):
    found = sweeps.collected(tmp_path, [config(longest=n) for n in (10, 20)], measure, COLUMNS)
    draw(tmp_path)
    assert (tmp_path / "kept.png").stat().st_size > 5000
    judged = claims(found)
    assert [case.claim.claim for case in judged] == ["L3c"] * 6
    assert len({case.draws for case in judged}) == 1  # the same gates, stretched
    assert found.table.kept_once.iloc[0] == pytest.approx(found.table.kept_once_theory.iloc[0], rel=0.5)
    assert sorted(found.lags.groupby("out").size()) == [31, 61]
