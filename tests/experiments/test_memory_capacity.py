"""Memory of linear nets, as simulated and as computed; what verdicts make of it."""

import numpy as np
import pytest
import sweeps
from memory_capacity import COLUMNS, WAYS, Config, by_covariance, claims, draw, measure, simulated, weights

from rnnkit.gradients.linear_memory import memory_capacity
from rnnkit.rng import streams
from rnnkit.runner.jobs.config import faults

BASE = {"network": "orthogonal", "scale": 0.9, "hidden_size": 6, "lags": 80, "samples": 4000, "replicates": 2,
        "seed": 0, "out": "unused"}  # fmt: skip
SAMPLED = 0.1  # a share of variance from 4,000 samples, largest of 80 lags
WELL_CONDITIONED = 1e-8


def config(**changes):
    return Config(**BASE | changes)


@pytest.mark.parametrize("network", ["orthogonal", "delay_line"])
def test_three_ways_agree_where_arithmetic_lets_them(network):
    settings = config(network=network)
    W, v = weights(settings, streams(0, 0))
    exact = memory_capacity(W, 80)
    np.testing.assert_allclose(by_covariance(W, v, 80), exact, rtol=0, atol=WELL_CONDITIONED)
    found = simulated(settings, W, v, streams(0, 0).data)
    np.testing.assert_allclose(found, exact, rtol=0, atol=SAMPLED)


def test_the_covariance_of_a_large_gaussian_net_hides_most():
    settings = config(network="gaussian", hidden_size=60, scale=0.9)
    W, v = weights(settings, streams(0, 0))
    assert memory_capacity(W, 2000).sum() == pytest.approx(60)
    assert by_covariance(W, v, 2000).sum() < 50


def test_a_sweep_is_drawn_and_judged(tmp_path):
    jobs = [config(network=network) for network in ("orthogonal", "gaussian", "delay_line")]
    found = sweeps.collected(tmp_path, jobs, measure, COLUMNS)
    draw(tmp_path)
    assert (tmp_path / "capacity.png").stat().st_size > 5000
    assert set(found.lags) == {"out", "lag", *WAYS, *(f"{way}_sd" for way in WAYS)}
    simulated_too, lost = ["L2a", "L2b", "L2b", "L2d"], ["L2a", "L2c", "L2c", "L2d"]
    assert [case.claim.claim for case in claims(found)] == [*simulated_too, *lost, *simulated_too]
    np.testing.assert_allclose(found.table.fisher_mean, 1)


def test_a_net_that_never_forgets_is_refused():
    assert faults(Config, BASE | {"scale": 1.0}) == [
        "scale must be a number from 0.001 to 0.999 (spectral radius; link of a delay line), got 1.0"
    ]
