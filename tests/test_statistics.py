"""Shares of independent trials and their intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, logrank

from rnnkit.statistics import log_rank, paired_difference, ratio_of_sums, share_se, standard_error, wilson_interval

ROUNDING = 1e-9


def test_wilson_interval_of_a_textbook_case():
    # 10 of 20 at z = 2: middle .5, half width 2 / 24 sqrt(5 + 1)
    np.testing.assert_allclose(wilson_interval(10, 20, 2), (0.5 - np.sqrt(6) / 12, 0.5 + np.sqrt(6) / 12))


@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0.5, 5))
def test_the_ends_are_the_shares_that_lie_z_standard_errors_from_what_was_seen(n, part, z):
    k = round(part * n)
    for p in wilson_interval(k, n, z):
        assert (k / n - p) ** 2 == pytest.approx(z * z * p * (1 - p) / n, abs=ROUNDING)


@given(st.integers(1, 5000), st.floats(0, 1))
def test_a_share_of_all_or_nothing_has_a_standard_error_too(n, part):
    assert share_se(0, n) == pytest.approx(share_se(n, n), rel=ROUNDING) == pytest.approx(0.5 / (n + 1))
    k = round(part * n)
    lower, upper = wilson_interval(k, n)
    assert 0 <= lower <= k / n + ROUNDING
    assert k / n - ROUNDING <= upper <= 1


def test_many_trials_give_the_binomial_standard_error():
    assert share_se(3000, 10_000) == pytest.approx(np.sqrt(0.3 * 0.7 / 10_000), rel=1e-3)


@pytest.mark.parametrize(
    ("k", "n", "told"), [(-1, 5, r"k .* in 0\.\.5, got -1"), (6, 5, "k .* got 6"), (0, 0, "n .* got 0")]
)
def test_counts_that_cannot_be_are_refused(k, n, told):
    with pytest.raises(ValueError, match=f"^{told}"):
        wilson_interval(k, n)


def test_a_paired_difference_varies_as_its_standard_error_says():
    rng, n = np.random.default_rng(0), 200
    found = []
    for _ in range(2000):
        u = rng.random(n)  # the same trials: what the second solves the first solves too
        found.append(paired_difference(u < 0.5, u < 0.3))
    differences, errors = np.array(found).T
    assert differences.mean() == pytest.approx(0.2, abs=4 * differences.std() / np.sqrt(2000))
    assert errors.mean() == pytest.approx(differences.std(), rel=0.1)


def test_a_paired_difference_of_one_outcome_only_has_a_standard_error():
    yes, no = np.ones(50, bool), np.zeros(50, bool)
    assert paired_difference(yes, no)[0] == 1
    assert min(paired_difference(a, b)[1] for a in (yes, no) for b in (yes, no)) > 0.005
    with pytest.raises(ValueError, match="pair up"):
        paired_difference(yes, no[1:])


def test_a_ratio_over_groups_of_one_size_is_their_mean():
    values = np.random.default_rng(0).standard_normal(40)
    ratio, se = ratio_of_sums(values, np.ones(40))
    assert (ratio, se) == (pytest.approx(values.mean()), pytest.approx(standard_error(values)))
    again = ratio_of_sums(3 * values, np.full(40, 3))
    assert again == pytest.approx((ratio, se), rel=ROUNDING)


def test_a_ratio_over_groups_of_many_sizes_varies_as_its_standard_error_says():
    rng, found = np.random.default_rng(0), []
    for _ in range(2000):
        counts = rng.integers(1, 20, size=100)
        level = rng.normal(2, 0.5, size=100)  # members of a group are alike
        found.append(ratio_of_sums(level * counts, counts))
    ratios, errors = np.array(found).T
    assert ratios.mean() == pytest.approx(2, abs=4 * ratios.std() / np.sqrt(2000))
    assert errors.mean() == pytest.approx(ratios.std(), rel=0.1)


def test_one_group_has_no_standard_error():
    ratio, se = ratio_of_sums(np.array([6.0]), np.array([4]))
    assert ratio == 1.5
    assert np.isnan(se)


def test_log_rank_of_one_stratum_is_scipys():
    rng = np.random.default_rng(0)
    groups = [(np.minimum(t := rng.exponential(scale, 20).round(1), 1.5), t < 1.5) for scale in (1.0, 2.0)]
    ratio, se = log_rank([groups])
    censored = [CensoredData(uncensored=t[e], right=t[~e]) for t, e in groups]
    assert ratio / se == pytest.approx(logrank(*censored).statistic, rel=1e-12)
    assert ratio > 0  # the first group is sooner


def test_log_rank_adds_strata_and_knows_when_nothing_tells():
    one = (np.array([1.0, 2.0]), np.array([True, True])), (np.array([3.0, 4.0]), np.array([True, False]))
    ratio, se = log_rank([one])
    assert log_rank([one, one]) == pytest.approx((ratio, se / 2**0.5))
    assert log_rank([one[::-1]])[0] == pytest.approx(-ratio)
    never = (np.array([4.0]), np.array([False]))
    assert np.isnan(log_rank([(never, never)])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ratio_of_sums([np.nan, 1], [1, 1]), r"^sums must be finite, got \(2,\) float64"),
        (lambda: ratio_of_sums([1.0, 1], [0, 0]), r"^counts must be finite numbers >= 0 and not all 0, got \(2,\)"),
        (
            lambda: log_rank([(([1.0], [True]), ([1.0, 2], [True]))]),
            r"^events must have one entry for .*\(2,\), got \(1,",
        ),
    ],
)
def test_what_statistics_cannot_take_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
