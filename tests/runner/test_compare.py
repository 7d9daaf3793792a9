"""Each rule of a comparison passes what is right and sees what is wrong; and how often it is mistaken."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact

from rnnkit.runner.claims import Claim
from rnnkit.runner.claims.agreement import DIGITS, RULES, P, by_count, by_nets, by_rank, by_se, exactly, same, width
from rnnkit.runner.claims.compare import check, compare_claims, compare_tables
from rnnkit.runner.claims.paired import DECLARED, Pair
from rnnkit.runner.tables import Tables, read

RESULTS = Path(__file__).resolve().parents[2] / "results"
QUICK = sorted(path.name for path in (RESULTS / "quick").iterdir())
OUT, N = "jobs/a", 10
finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


def tables(nets=None, lags=None, history=None, out=OUT, **row):
    """Return tables of one job, and of one with other keys beside it that stays as it is."""
    row = {"status": "done", "n": N} | row
    both = [{"seq_len": length, "clip": "none", "out": o} | row for length, o in ((10, out), (20, "jobs/b"))]
    frames = [pd.DataFrame(detail or {}) for detail in (nets, lags, history)]
    frames = [frame.assign(out=out)[["out", *frame]] if len(frame) else frame for frame in frames]
    table = pd.DataFrame(both).drop(index=[] if nets is None and lags is None and history is None else 1)
    return Tables(table, *frames)


def judged(old, new, column, declared=()):
    """Return (rule that decides in job a, whether it agrees, all differences)."""
    found, pair = compare_tables(old, new, declared), Pair(old, new, declared)
    agrees = found.rules[column] != "differs"
    assert agrees == (not [line for line in found.differences if f": {column}:" in line])
    rule = pair.judge(column, OUT, pair.kind(column)).rule if column in old.table else found.rules[column]
    return rule, agrees, found.differences


def of_nets(values, name="error", how=np.mean, column=None, **row):
    """Return tables with one column over nets."""
    values = np.asarray(values, float)
    return tables({"replicate": range(len(values)), name: values}, **{column or name: float(how(values))}, **row)


# numbers


@given(finite, st.floats(-0.9, 0.9))
def test_what_differs_beyond_the_digits_is_the_same(value, part):
    assert exactly(value, value * (1 + part * 10.0**-DIGITS)).agrees


@given(st.floats(1e-2, 1e300), st.floats(2, 1000), st.sampled_from([-1, 1]))
def test_what_differs_within_the_digits_is_not(value, part, sign):
    assert not exactly(sign * value, sign * value * (1 + part * 10.0**-DIGITS)).agrees


@given(st.floats(), st.floats())
def test_rounding_is_symmetric_and_knows_what_is_not_finite(a, b):
    assert same(a, a)
    assert same(a, b) == same(b, a)
    if np.isfinite(a) and not np.isfinite(b):
        assert not same(a, b)


def test_what_cancels_is_zero_and_what_is_small_is_not():
    assert same(-1e-17, 3e-17)
    assert not same(0.0, 1e-8)


def test_text_is_the_same_or_not():
    assert exactly("no theory", "no theory").agrees
    assert not exactly("no theory", "theory").agrees
    assert not exactly("none", 1.0).agrees


@pytest.mark.parametrize(("k", "agrees"), [((10, 10), True), ((10, 3), True), ((10, 2), False), ((0, 8), False)])
def test_counts_by_fisher(k, agrees):
    assert by_count(k, (N, N)).agrees == agrees
    assert (fisher_exact([[k[0], N - k[0]], [k[1], N - k[1]]]).pvalue > P) == agrees


@given(st.floats(-10, 10), st.floats(0.001, 10), st.floats(0.001, 10))
def test_means_of_many_nets_may_be_four_standard_errors_apart(value, se1, se2):
    bound = 4 * np.hypot(se1, se2)
    assert by_se((value, value + 0.999 * bound), (se1, se2)).agrees
    assert not by_se((value, value + 1.002 * bound), (se1, se2)).agrees


def test_means_without_any_spread_must_be_the_same():
    assert not by_se((500.0, 750.0), (0.0, 0.0)).agrees
    assert by_se((0.0, 1.0), (0.0, np.inf)).agrees
    assert by_se((0.0, 1.0), (np.nan, 0.1)).rule == "none"


def test_few_nets_get_the_width_that_is_as_improbable():
    assert width(10**6) == pytest.approx(4, abs=1e-4)
    assert width(N) == pytest.approx(7.00, abs=0.01)


@pytest.mark.parametrize("draw", ["normal", "lognormal", "bimodal"])
def test_nothing_wrong_is_seldom_flagged_by_standard_error(draw):
    """Of 4,000 comparisons of nets that follow one law, as seen by another machine where every net went another way."""
    rng = np.random.default_rng(0)
    laws = {"normal": rng.standard_normal, "lognormal": lambda n: rng.lognormal(sigma=3, size=n)}
    laws["bimodal"] = lambda n: rng.choice([0.0, 0.75], n) + 0.001 * rng.standard_normal(n)
    flagged = 0
    for _ in range(4000):
        a, b = laws[draw](N), laws[draw](N)
        flagged += not by_nets(a, b).agrees
    assert flagged <= 11  # 3.8 expected of normal nets, 4 standard deviations of that above


def test_nothing_wrong_is_seldom_flagged_by_count_or_rank():
    """The chance to be flagged at the worst share of nets that solve, and of untied ranks."""
    k = np.arange(N + 1)
    wrong = np.array([[not by_count((a, b), (N, N)).agrees for a in k] for b in k])
    chances = [binom.pmf(k, N, p) @ wrong @ binom.pmf(k, N, p) for p in np.linspace(0, 1, 51)]
    assert max(chances) < 1 / 2000
    rng = np.random.default_rng(0)
    flagged = sum(not by_rank((rng.standard_normal(N), rng.standard_normal(N))).agrees for _ in range(4000))
    assert flagged <= 4  # .8 expected


def test_ranks_see_what_lies_apart():
    low, high = np.arange(N, dtype=float), np.arange(N, 2 * N, dtype=float)
    assert not by_rank((low, high)).agrees
    assert by_rank((low, low + 2)).agrees
    assert by_rank((low, np.append(low[:-1], 1e30))).agrees  # one outlier alone decides nothing
    assert not by_rank((np.full(N, np.inf), low)).agrees
    assert by_rank((np.full(N, np.inf), np.full(N, np.inf))).agrees
    assert by_rank((low, np.array([]))).rule == "none"


# tables


def test_the_same_tables_agree_by_rounding():
    old = tables(n_solved=3, error=0.5)
    found = compare_tables(old, old)
    assert not found.differences
    assert set(found.rules.values()) == {"rounding"}
    assert found.summary() == "6 to six digits"


def test_a_row_on_one_side_differs_and_is_named_by_its_keys():
    old, one = tables(), tables()
    one = one._replace(table=one.table.iloc[1:])
    assert compare_tables(old, one).differences == ["seq_len=10: a row that is committed alone"]
    assert compare_tables(one, old).differences == ["seq_len=10: a row that is new alone"]
    other = tables(out="jobs/c")
    assert len(compare_tables(old, other).differences) == 2


def test_a_column_on_one_side_differs():
    assert compare_tables(tables(error=1.0), tables()).differences == ["error: a column that is committed alone"]
    assert compare_tables(tables(), tables(code="abc")).differences == ["code: a column that is new alone"]


@pytest.mark.parametrize(("column", "value"), [("status", "diverged"), ("note", "other"), ("theory", 1.01), ("n", 11)])
def test_text_status_and_numbers_without_chance_are_exact(column, value):
    old = {"status": "done", "note": "a", "theory": 1.0, "n": N}
    assert judged(tables(**old), tables(**old), column)[:2] == ("rounding", True)
    rule, agrees, lines = judged(tables(**old), tables(**old | {column: value}), column)
    assert (rule, agrees) == ("rounding", False)
    shown = "g" if column == "theory" else ""
    assert lines[0].startswith(f"seq_len=10: {column}: committed {old[column]:{shown}}, new {value}; must ")


def test_a_value_on_one_side_alone_differs():
    assert not judged(tables(half_life=np.nan), tables(half_life=2.0), "half_life")[1]
    assert judged(tables(half_life=np.nan), tables(half_life=np.nan), "half_life")[1]


@pytest.mark.parametrize("column", ["n_solved", "n_held", "n_unsolved", "n_diverged"])
def test_counts_of_nets(column):
    assert judged(tables(**{column: 10}), tables(**{column: 4}), column)[:2] == ("count", True)
    assert judged(tables(**{column: 10}), tables(**{column: 2}), column)[:2] == ("count", False)


def test_counts_of_other_things_than_nets_are_no_counts():
    assert judged(tables(n_nonfinite=0), tables(n_nonfinite=3), "n_nonfinite")[:2] == ("rounding", False)


@pytest.mark.parametrize("column", ["solved_share", "share_solved_ever", "vanished_fraction"])
def test_a_share_of_whole_nets_is_a_count(column):
    assert judged(tables(**{column: 1.0}), tables(**{column: 0.6}), column)[:2] == ("count", True)
    assert judged(tables(**{column: 1.0}), tables(**{column: 0.1}), column)[:2] == ("count", False)


def test_what_cannot_be_a_count_of_n_is_exact():
    assert judged(tables(growth_share=2.0), tables(growth_share=3.0), "growth_share")[:2] == ("rounding", False)
    assert judged(tables(solved_share=0.5), tables(solved_share=np.nan), "solved_share")[:2] == ("rounding", False)


def test_a_mean_of_shares_is_the_nearest_count():
    assert judged(tables(vanished_fraction=0.4625), tables(vanished_fraction=0.55), "vanished_fraction")[:2] == (
        "count",
        True,
    )
    assert not judged(tables(vanished_fraction=0.0125), tables(vanished_fraction=0.95), "vanished_fraction")[1]


def test_the_interval_of_a_share_follows_it():
    old = {"solved_share": 0.5, "wilson_low": 0.24}
    assert judged(tables(**old), tables(solved_share=0.7, wilson_low=0.4), "wilson_low")[:2] == ("spread", True)
    assert judged(tables(**old), tables(solved_share=0.5, wilson_low=0.25), "wilson_low")[:2] == ("rounding", False)


def test_a_standard_error_beside_the_mean():
    old = {"rate": -0.3, "rate_se": 0.01}
    assert judged(tables(**old), tables(rate=-0.33, rate_se=0.012), "rate")[:2] == ("se", True)
    assert judged(tables(**old), tables(rate=-0.5, rate_se=0.012), "rate")[:2] == ("se", False)
    assert judged(tables(**old), tables(rate=-0.33, rate_se=0.012), "rate_se")[:2] == ("spread", True)
    assert judged(tables(**old), tables(rate=-0.3, rate_se=0.02), "rate_se")[:2] == ("rounding", False)
    assert judged(tables(gap_se=0.1), tables(gap_se=0.2), "gap_se")[:2] == ("rounding", False)  # of no mean


def test_a_mean_over_nets_has_their_standard_error():
    nets = np.linspace(0.1, 0.2, N)
    rule, agrees, _ = judged(of_nets(nets), of_nets(nets[::-1] + 0.03), "error")
    assert (rule, agrees) == ("se", True)
    rule, agrees, lines = judged(of_nets(nets), of_nets(nets + 0.1), "error")
    assert (rule, agrees) == ("se", False)
    assert lines == [
        "jobs/a: error: committed 0.15, new 0.25; they differ by 0.1, allowed 0.0602 = 4 standard errors",
    ]


def test_a_change_that_all_nets_have_in_common_is_seen():
    nets = np.linspace(-1, 1, N)
    shaken = nets + 1e-3 * np.random.default_rng(0).standard_normal(N)
    assert judged(of_nets(nets + 2), of_nets(shaken + 2), "error")[:2] == ("se", True)
    rule, agrees, lines = judged(of_nets(nets + 2), of_nets(shaken + 2.02), "error")
    assert (rule, agrees) == ("se", False)
    assert "error: committed 2, new 2.02" in lines[0]
    assert "; the same 10 nets differ by 0.0" in lines[0]
    assert judged(of_nets(nets + 2), of_nets(nets + 2.0009), "error")[1]  # three digits: rounding may go one way
    beside = of_nets(nets + 2, error_se=0.2), of_nets(shaken + 2.02, error_se=0.2)
    assert not judged(*beside, "error")[1]


def test_nets_pair_up_by_replicate():
    old = of_nets(np.linspace(1, 3, N))
    new = old._replace(nets=old.nets.iloc[::-1].assign(error=lambda n: n.error + 0.05))
    new.table.loc[0, "error"] += 0.05
    assert not judged(old, new._replace(table=new.table.assign(error=new.table.error + 0.05)), "error")[1]


def test_a_spread_over_nets_is_judged_by_rank():
    nets = np.linspace(-1, 1, N)
    old = of_nets(nets, error_se=0.2)
    assert judged(old, of_nets(1.5 * nets[::-1] + 0.1, error_se=0.3), "error_se")[:2] == ("spread", True)
    assert judged(old, of_nets(100 * nets + 0.1, error_se=20.0), "error_se")[:2] == ("spread", False)
    assert judged(old, of_nets(nets, error_se=0.4), "error_se")[:2] == ("rounding", False)


def first_passed(values):
    found = np.sort(np.where(np.isnan(values), np.inf, values))
    middle = (found[4] + found[5]) / 2
    return middle if np.isfinite(middle) else np.nan


@pytest.mark.parametrize(
    ("new", "agrees"),
    [
        ([250.0] * 6 + [500] * 4, True),
        ([500.0] * 4 + [np.nan] * 6, True),
        ([1000.0] * 10, False),
        ([np.nan] * 10, False),
    ],
)
def test_a_median_is_judged_by_the_ranks_of_its_nets(new, agrees):
    old = [250.0] * 3 + [500] * 6 + [750]
    sides = [of_nets(nets, "first", first_passed, "median_first") for nets in (old, new)]
    assert judged(*sides, "median_first")[:2] == ("rank", agrees)


@pytest.mark.parametrize(("how", "column"), [(np.max, "largest_norm"), (np.sum, "n_nonfinite"), (np.min, "least_norm")])
def test_other_summaries_are_judged_by_rank_too(how, column):
    name = column if column.startswith("n_") else "norm"
    nets = np.arange(1.0, N + 1)
    sides = [of_nets(v, name, how, column) for v in (nets, np.append(nets[:-1], 1e30), 1 / nets, nets + 100)]
    old, outlier, _, apart = sides
    assert judged(old, outlier, column)[1]
    assert judged(old, apart, column)[:2] == ("rank", False)


def test_what_is_declared_is_named_and_exact_only_where_nothing_else_moved():
    old = of_nets(np.arange(N), loss=1.0, text="a")
    moved = of_nets(np.arange(N)[::-1], loss=1.5, text="b")
    found = compare_tables(old, moved, ("loss", "text"))
    assert not found.differences
    assert found.notes() == [
        f"not compared: loss: {DECLARED}; changed by up to 33.3%",
        f"not compared: text: {DECLARED}",
    ]
    still = of_nets(np.arange(N), loss=1.5, text="a")
    assert not judged(old, still, "loss", ("loss",))[1]
    assert judged(old, of_nets(np.arange(N), loss=1.0001, text="a"), "loss", ("loss",))[1]
    assert not judged(old, moved, "loss")[1]


def test_a_mean_with_nothing_to_measure_by_is_named():
    old = tables(sequences=np.nan, sequences_se=np.nan)
    found = compare_tables(old, tables(sequences=5000.0, sequences_se=np.nan))
    assert found.rules["sequences"] == "none"
    assert found.notes() == ["not compared: sequences in 2 rows: no value or no standard error on one side"]


def test_columns_of_nets_that_no_column_of_the_table_shows_are_named():
    old = tables({"replicate": [0, 1], "loss": [1.0, 2.0]})
    new = tables({"replicate": [0, 1], "loss": [1.0, 3.0]})
    assert compare_tables(old, new).notes() == ["not compared: loss of nets.csv, of which table.csv has no summary"]
    assert compare_tables(old, old).notes() == []


def lags(mean, sd=0.5, n=(80, 80)):
    return tables(lags={"lag": [0, 1], "log_norm": [0.0, mean], "log_norm_sd": [0.0, sd], "n": list(n)})


def test_lags_are_means_over_nets():
    column = "lags.csv log_norm"
    assert judged(lags(-1.0), lags(-1.2, 0.6), column)[:2] == ("se", True)
    rule, agrees, lines = judged(lags(-1.0), lags(-3.0, 0.6), column)
    assert (rule, agrees) == ("differs", False)
    assert lines[0].startswith("jobs/a: lag=1: lags.csv log_norm: committed -1, new -3; they differ by 2, allowed")
    assert judged(lags(-1.0), lags(-1.0, 0.6), "lags.csv log_norm_sd")[:2] == ("differs", False)
    assert judged(lags(-1.0), lags(-1.2, 0.6), "lags.csv log_norm_sd")[:2] == ("spread", True)
    assert not judged(lags(-1.0), lags(-1.0, n=(80, 79)), "lags.csv n")[1]
    short = lags(-1.0)
    short = short._replace(lags=short.lags.iloc[:1])
    assert compare_tables(lags(-1.0), short).differences == [
        "jobs/a: lags.csv: committed (2, 4) rows and columns, new (1, 4)"
    ]


# the committed tables


@pytest.mark.parametrize("name", QUICK)
def test_committed_tables_agree_with_themselves_and_within_their_last_digits(name):
    committed = read(RESULTS / "quick" / name)
    found = compare_tables(committed, Tables(*(_shaken(frame, 1e-10) for frame in committed)))
    assert not found.differences
    assert set(found.rules.values()) == {"rounding"}


def _shaken(frame, part):
    measured = [c for c in frame.select_dtypes("float") if c not in ("clip", "gain", "lam")]
    return frame.assign(**{column: frame[column] * (1 + part) for column in measured})


def test_which_rule_is_for_which_column():
    """A column that a training has, and how it is judged."""
    pair = Pair(*[read(RESULTS / "quick" / "temporal_order")] * 2)
    expected = {
        "count": "n_solved n_unsolved n_diverged n_held solved_share",
        "se": "error test_loss clip_fraction spectral_radius_start gain_start pair_error",
        "rank": "median_first largest_grad_norm updates_made",
        "spread": "wilson_low wilson_high",
        "rounding": "chance_error constant_loss status n bag_of_words_error seq_len clip task",
    }
    assert set(expected) <= set(RULES)
    for rule, columns in expected.items():
        assert {column: pair.kind(column).rule for column in columns.split()} == dict.fromkeys(columns.split(), rule)


# claims


def claim(measured, se=0.0, expected=1.0, tolerance=0.5, n=1000):
    about = {"statement": "a sentence", "source": "", "reason": ""}
    declared = Claim(claim="G1", class_="theory", kind="equal", bar=expected, margin=tolerance, **about)
    return declared.judge(measured, se, n)


def test_claims_by_rounding_and_by_standard_error():
    assert not compare_claims([claim(1.0)], [claim(1.0 + 1e-9)]).differences
    (line,) = compare_claims([claim(1.0)], [claim(1.01)]).differences
    assert line == "1 of 1: claim G1, a sentence: committed 1, new 1.01; must agree to 6 digits"
    assert not compare_claims([claim(1.0, 0.1)], [claim(1.5, 0.1)]).differences
    assert compare_claims([claim(1.0, 0.1)], [claim(1.6, 0.1)]).differences


def test_changed_verdicts_are_listed():
    remark = compare_claims([claim(1.0, 0.1)], [claim(1.4, 0.1)])
    assert (remark.differences, remark.notes()) == ([], ["claim G1, a sentence: holds committed, undecided new"])
    wrong = compare_claims([claim(1.0, 0.1, tolerance=0.21)], [claim(1.56, 0.1, tolerance=0.21)])
    assert wrong.differences == ["claim G1, a sentence: holds committed, fails new"]


def test_claims_on_what_has_no_spread_are_compared_by_verdict():
    assert not compare_claims([claim(1.0)], [claim(1.3)], [1.0]).differences
    assert compare_claims([claim(1.0)], [claim(3.0)], [1.0]).differences
    nothing = compare_claims([claim(np.nan, 0.1)], [claim(1.0, 0.1)])
    assert nothing.differences == []
    assert "undecided committed, holds new" in nothing.notes()[0]


def test_other_claims_differ():
    assert compare_claims([claim(1.0)], []).differences == ["claims: 1 committed (G1), 0 new (none)"]


# folders


def write(folder, tables_):
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in zip(("table", "nets", "lags", "history"), tables_, strict=True):
        (folder / f"{name}.csv").write_text(frame.to_csv(index=False))
    return folder


MODULE = SimpleNamespace(claims=lambda t: [claim(t.table.error.iloc[0], 0.03)])


def test_a_folder_of_the_same_bytes_is_not_looked_into(tmp_path):
    old, new = (write(tmp_path / side, of_nets(np.arange(N))) for side in "ab")
    assert check("x", None, old, new) == ("same bytes", ["x: 1 rows, same bytes"])


def test_a_folder_that_agrees(tmp_path):
    nets = np.linspace(0.1, 0.2, N)
    old, new = (write(tmp_path / side, of_nets(v, history=None)) for side, v in (("a", nets), ("b", nets[::-1] + 0.01)))
    found = check("x", MODULE, old, new)
    assert found.outcome == "agree"
    assert found.lines == [
        "x: 1 rows, agree: columns 4 to six digits, 1 within 4 standard errors; claims 1 within 4 standard errors"
    ]


def test_a_folder_that_differs(tmp_path):
    nets = np.linspace(0.1, 0.2, N)
    old, new = (write(tmp_path / side, of_nets(v)) for side, v in (("a", nets), ("b", nets + 0.5)))
    found = check("x", MODULE, old, new)
    assert found.outcome == "differs"
    assert found.lines[0].startswith("x: 1 rows, differs: columns 4 to six digits, 1 differ; claims 1 differ")
    assert found.lines[1].startswith("  differs: jobs/a: error: committed 0.15, new 0.65; ")
    assert found.lines[2].startswith("  differs: 1 of 1: claim G1, a sentence: committed 0.15, new 0.65; ")


def test_nothing_committed_is_no_agreement(tmp_path):
    found = check("x", MODULE, tmp_path / "none", write(tmp_path / "b", of_nets(np.arange(N))))
    assert found.outcome == "differs"
    assert "holds no table.csv to compare with" in found.lines[0]


def test_histories_are_named_where_they_moved(tmp_path):
    nets = {"replicate": [0, 1], "error": [0.1, 0.2]}
    sides = [
        tables(nets, history={"update": [1, 2], "loss": [1.0, loss]}, error=0.15) for loss in (0.5, 0.5 + 1e-9, 0.6)
    ]
    old, near, far = (write(tmp_path / str(i), side) for i, side in enumerate(sides))
    assert len(check("x", MODULE, old, near).lines) == 1
    assert check("x", MODULE, old, far).lines[1] == "  not compared: history.csv, means over the nets still in training"
