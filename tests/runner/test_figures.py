"""The same table gives the same bytes; other data gives other ones."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from rnnkit.runner.tables import figures

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def table():
    gains, drives = np.meshgrid([0.5, 1.0, 2.0], [0.1, 1.0])
    rate = np.log(gains.ravel()) - drives.ravel()
    return pd.DataFrame(
        {
            "gain": gains.ravel(),
            "drive_variance": drives.ravel(),
            "growth_rate": rate + 0.01,
            "growth_rate_se": 0.02,
            "growth_rate_theory": rate,
        }
    )


@pytest.fixture
def lags():
    lag = np.arange(5)
    parts = [pd.DataFrame({"lag": lag, "gain": g, "log_norm": -g * lag, "log_norm_sd": 0.1 * lag}) for g in (1, 2)]
    return pd.concat(parts)


def rates(table, path):
    figures.measured_on_theory(table, "gain", "drive_variance", path, "gain")
    return path.read_bytes()


def norms(lags, path):
    figures.log_norm_by_lag(lags, "gain", path, "title")
    return path.read_bytes()


def test_the_same_table_gives_the_same_bytes(tmp_path, table, lags):
    for draw, data in ((rates, table), (norms, lags)):
        first = draw(data, tmp_path / "a.png")
        assert first.startswith(PNG)
        assert draw(data.copy(), tmp_path / "b.png") == first
        assert draw(data.iloc[::-1], tmp_path / "c.png") == first


def test_other_data_gives_another_picture(tmp_path, table, lags):
    assert rates(table, tmp_path / "a.png") != rates(table.assign(growth_rate=0.0), tmp_path / "b.png")
    assert norms(lags, tmp_path / "a.png") != norms(lags.assign(log_norm=0.0), tmp_path / "b.png")


def test_no_rates_no_picture(tmp_path, table):
    figures.measured_on_theory(table.assign(growth_rate=np.nan), "gain", "drive_variance", tmp_path / "a.png", "gain")
    assert list(tmp_path.iterdir()) == []


def test_rates_without_error_or_theory_are_drawn(tmp_path, table):
    assert rates(table.assign(growth_rate_se=np.nan, growth_rate_theory=None), tmp_path / "a.png").startswith(PNG)


def test_a_group_without_finite_norms_is_drawn(tmp_path, lags):
    assert norms(lags.assign(log_norm=np.nan, log_norm_sd=np.nan), tmp_path / "a.png").startswith(PNG)


def test_no_figure_stays_open(tmp_path, table, lags):
    rates(table, tmp_path / "a.png")
    norms(lags, tmp_path / "b.png")
    assert plt.get_fignums() == []


def test_a_picture_says_nothing_of_date_or_version(tmp_path, lags):
    data = norms(lags, tmp_path / "a.png")
    assert b"Software" not in data
    assert b"Creation" not in data
