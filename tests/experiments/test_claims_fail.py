"""Every claim can fail: the committed tables with wrong data in the measured column give `fails`."""

from pathlib import Path

import pandas as pd
import pytest
import reproduce

from rnnkit.runner.claims import report
from rnnkit.runner.tables import read
from rnnkit.runner.tables.formats import NO_CLIP

RESULTS = Path(__file__).resolve().parents[2] / "results"


def plus(size):
    return lambda values: values + size


def times(factor):
    return lambda values: values * factor


def other_share(values):
    return 1 - values


def always(value):
    return lambda values: [value] * len(values)


def every(go_wrong, *columns):
    return lambda tables: tables._replace(table=tables.table.assign(**{c: go_wrong(tables.table[c]) for c in columns}))


def precise(go_wrong):
    return lambda tables: tables._replace(
        table=tables.table.assign(growth_rate=go_wrong(tables.table.growth_rate), growth_rate_se=1e-4)
    )


def every_job(**columns):
    return lambda tables: tables._replace(table=tables.table.assign(**columns))


def task_2c(**columns):
    return every_job(n=20, cap=10**7, **columns)


def nets_like(tables, column, by, values):
    """Give the nets of each job the value that belongs to the job's `by`; others keep theirs."""
    keys = tables.table.set_index("out")[by].map(str)
    found = tables.nets.out.map(keys).map({str(key): value for key, value in values.items()})
    kept = tables.nets[column].where(~tables.nets.out.map(keys).isin(list(map(str, values))))
    return tables._replace(nets=tables.nets.assign(**{column: kept.combine_first(found)}))


def headline(column, by, values):
    def spoil(tables):
        return nets_like(tables._replace(table=tables.table.assign(updates=300_000, seq_len=50)), column, by, values)

    return spoil


def outcomes_by_method(**outcomes):
    def spoil(tables):
        return nets_like(tables._replace(table=tables.table.assign(updates=15_000)), "outcome", "method", outcomes)

    return spoil


def long_before_short(tables):
    low, high = tables.table.seq_len.min(), tables.table.seq_len.max()
    return nets_like(tables, "first", "seq_len", {low: float("nan"), high: 100.0})


def clip_solves_later(tables):
    return nets_like(tables, "first", "clip", {NO_CLIP: 100.0, 1.0: 900.0})


def regularizer_solves_later(tables):
    long_enough = tables._replace(table=tables.table.assign(updates=5_000_000))
    return nets_like(long_enough, "first", "omega", {0.0: 100.0, 4.0: 900.0})


def published_budget(solved):
    def spoil(tables):
        n_solved = tables.table.n * solved
        return tables._replace(table=tables.table.assign(updates=5_000_000, seq_len=50, n_solved=n_solved))

    return spoil


def clip_makes_all_diverge(tables):
    return nets_like(tables, "outcome", "clip", {NO_CLIP: "solved", 1.0: "diverged"})


def at_three_rates(share):
    """The share of every case at three learning rates, after the published number of sequences."""

    def spoil(tables):
        table = tables.table.assign(cap=5_000_000, solved_share=share, solved_share_se=0.02)
        return tables._replace(
            table=pd.concat([table.assign(learning_rate=rate) for rate in (1.0, 4.0, 20.0)], ignore_index=True)
        )

    return spoil


def losses(by, values):
    """Nets of one kind are at the loss of a constant, others at next to nothing, after any budget."""

    def spoil(tables):
        constant = tables.table.constant_loss.iloc[0]
        table = tables.table.assign(updates=1_000_000, constant_loss=constant)
        scaled = {key: value * constant for key, value in values.items()}
        return nets_like(tables._replace(table=table), "test_loss", by, scaled)

    return spoil


def others_learn_adding_first(tables):
    longest = tables.table[tables.table.seq_len == tables.table.seq_len.max()]
    long_enough = tables._replace(table=longest.assign(updates=20_000, seq_len=150))
    return nets_like(long_enough, "first", "net", {"irnn": 900.0, "tanh": 100.0, "relu": 100.0})


def gates_err_more(tables):
    long_enough = tables._replace(table=tables.table.assign(updates=2000))
    return nets_like(long_enough, "error", "net", {"tanh": 0.1, "gru": 0.5, "lstm": 0.5})


def clip_costs(tables):
    long_enough = tables._replace(table=tables.table.assign(updates=2000))
    return nets_like(long_enough, "test_loss", "clip", {NO_CLIP: 1.0, 1.0: 2.0})


def plain_fails_and_cures_too(tables):
    few = (tables.table.net == "tanh").astype(int)
    return tables._replace(table=tables.table.assign(solved_share=few / 40, n_solved=few, n=40, updates=100_000))


# claim, part of its statement, experiment, table, column, what goes wrong; or all tables at once
WRONG = [
    ("G1", "growth rate = theory: gaussian", "growth_theory", "tables", "", precise(plus(0.1))),
    ("G1", "growth rate = theory: fresh", "growth_theory", "table", "growth_rate", plus(0.1)),
    ("G1", "growth rate = theory: orthogonal", "growth_theory", "table", "growth_rate", plus(-0.1)),
    ("G2", "radius = sigma_max = 1 still vanishes", "growth_theory", "table", "growth_rate", times(-1)),
    ("G2", "they vanish", "critical_gain", "table", "growth_rate", times(-1)),
    ("G2", "they explode", "critical_gain", "table", "growth_rate", times(-1)),
    ("G2", "radius > 1 and growth < 0", "critical_gain", "nets", "growth_rate", times(-1)),
    ("G2", "radius > 1 and growth < 0", "critical_gain", "nets", "spectral_radius_achieved", times(0.5)),
    ("G3a", "(a)", "jacobian_bounds", "table", "largest_step_over_bound", plus(0.5)),
    ("G3b", "mean sigma_max", "jacobian_bounds", "nets", "sigma_max", plus(0.5)),
    ("G3b", "mean spectral_radius", "jacobian_bounds", "nets", "spectral_radius_achieved", plus(0.5)),
    ("G3b", "and yet gradients vanish", "jacobian_bounds", "table", "growth_rate", times(-1)),
    ("G3c", "(c)", "linear_growth", "table", "largest_log_norm", times(-1)),
    ("G4", "tied W: rate tends", "linear_growth", "table", "rate_minus_log_radius", plus(0.01)),
    ("G4", "orthogonal W, tied", "linear_growth", "table", "growth_rate", plus(1e-9)),
    ("G4", "orthogonal W, independent", "linear_growth", "table", "growth_rate", plus(1e-9)),
    ("G4", "independent W: rate", "linear_growth", "table", "growth_rate", plus(0.1)),
    ("G4", "independent W: variance", "linear_growth", "table", "step_variance", times(3)),
    ("G6", "weak drive", "growth_theory", "table", "growth_rate", plus(-0.1)),
    ("G7a", "slope = theory", "gradient_flow", "table", "growth_rate", plus(0.1)),
    ("G7b", "share vanished", "gradient_flow", "table", "vanished_fraction", other_share),
    ("G7b", "share exploded", "gradient_flow", "table", "exploded_fraction", other_share),
    ("S1", "by the log-norm kernel", "linear_growth", "table", "last_factor", times(1 + 1e-9)),
    ("G5a", "(a) slope", "lyapunov", "table", "rate_minus_exponent", plus(0.02)),
    ("G5b", "(b) largest", "lyapunov", "table", "exponent", plus(-0.02)),
    ("G5c", "(c) stable", "lyapunov", "table", "weight_log_ratio", plus(-3)),
    ("G5c", "(c) chaotic", "lyapunov", "table", "weight_rate_minus_exponent", plus(-0.02)),
    ("L1a", "(a) largest exponent", "spectrum", "nets", "largest", plus(0.1)),
    ("L1a", "(a) share of positive", "spectrum", "nets", "share_positive", plus(0.1)),
    ("L1a", "(a) entropy rate", "spectrum", "nets", "entropy_rate", plus(0.01)),
    ("L1a", "(a) Kaplan-Yorke", "spectrum", "nets", "dimension", plus(0.1)),
    ("L1a", "(a) mean exponent", "spectrum", "nets", "mean_exponent", plus(0.5)),
    ("L1b", "(b) mean exponent", "spectrum", "nets", "mean_exponent", plus(0.5)),
    ("L2a", "by eigenvalues", "memory_capacity", "table", "capacity_exact", times(0.99)),
    ("L2b", "in units of H, simulated", "memory_capacity", "table", "capacity_simulated", times(0.9)),
    ("L2b", "root mean square", "memory_capacity", "table", "profile_error", plus(0.1)),
    ("L2c", "by covariance: at most", "memory_capacity", "table", "capacity_covariance", always(1.0)),
    ("L2c", "by simulated: at most", "memory_capacity", "table", "capacity_simulated", always(1.0)),
    ("L2d", "from the best v", "memory_capacity", "table", "fisher_best", times(0.01)),
    ("L3a", "(a) critical gain", "gate_stability", "table", "critical_gain", times(1.5)),
    ("L3b", "at 0.9 times", "gate_stability", "table", "active_below", always(1.0)),
    ("L3b", "at 1.1 times", "gate_stability", "table", "active_above", always(0.0)),
    (
        "L3c",
        "mean squared gradient",
        "chrono",
        "tables",
        "",
        every(times(1.5), "kept_tenth", "kept_once", "kept_thrice"),
    ),
    (
        "L4",
        "independent W: exponent",
        "linear_growth",
        "tables",
        "",
        every(plus(0.1), "middle_exponent", "least_exponent"),
    ),
    ("L6a", "(a) log10", "cures", "table", "log10_grad_100", always(-1.0)),
    ("L6b", "(b) log10", "cures", "tables", "", every_job(log10_grad_100=-9.0, log10_grad_100_se=0.1)),
    ("L6c", "of its own units", "cures", "table", "linear_gap", plus(0.1)),
    ("L6c", "of either sign", "cures", "table", "growth_rate", always(-1.0)),
    ("L7", "share solved where", "cures_trained", "tables", "", plain_fails_and_cures_too),
    ("D1a", "has risen by", "training_gradients", "nets", "rise", plus(1e6)),
    ("D1b", "is half risen", "training_gradients", "nets", "half_rise", plus(1e6)),
    ("D2", "highest far gradient", "training_gradients", "nets", "far_highest", plus(100)),
    ("R1", "error over that of", "real_data", "tables", "", every_job(error=0.8, updates=2000)),
    ("R2", "that of the step before", "real_data", "tables", "", every_job(test_loss=99.0, updates=2000)),
    ("R3", "error of tanh less", "real_data", "tables", "", gates_err_more),
    ("R4", "loss that clip 1 adds", "real_data", "tables", "", clip_costs),
    ("G9", "half-life of the gradient of c", "forget_bias", "table", "half_life", times(1.02)),
    ("S9", "encoder-decoder", "encoder_decoder", "table", "accuracy", times(0.98)),
    ("S10", "character model", "character_model", "table", "bits_per_character", plus(0.1)),
    ("C1a", "upper", "clipping_wall", "table", "saddle_upper_b", plus(0.001)),
    ("C1a", "lower", "clipping_wall", "table", "saddle_lower_b", plus(0.001)),
    ("C1b", "w = 4.5", "clipping_wall", "table", "wall_b_4.5", plus(0.001)),
    ("C1b", "w = 5:", "clipping_wall", "table", "wall_b_5", plus(0.001)),
    ("C1b", "w = 5.5", "clipping_wall", "table", "wall_b_5.5", plus(0.001)),
    ("C1g", "w = 0.9: first", "clipping_wall", "table", "linear_first_0.9", times(1.001)),
    ("C1g", "w = 0.9: second", "clipping_wall", "table", "linear_second_0.9", times(1.001)),
    ("C1g", "w = 1.1: first", "clipping_wall", "table", "linear_first_1.1", times(1.001)),
    ("C1g", "w = 1.1: second", "clipping_wall", "table", "linear_second_1.1", times(1.001)),
    ("C1c", "height", "clipping_wall", "table", "wall_height_4.5", plus(1)),
    ("C1d", "share of starts", "clipping_wall", "table", "share_solved", plus(0.5)),
    ("C1e", "share solved at clip 1", "clipping_wall", "nets", "error", times(0)),
    ("G8a", "E h^2", "sensitivity", "table", "variance_exact", times(1 + 1e-6)),
    ("G8a", "E (dh/dlam)^2", "sensitivity", "table", "sensitivity_exact", times(1 + 1e-6)),
    ("G8b", "E h^2", "sensitivity", "table", "variance_ratio", plus(0.3)),
    ("G8b", "E (dh/dlam)^2", "sensitivity", "table", "sensitivity_ratio", plus(0.3)),
    ("G8c", "largest state gradient", "sensitivity", "table", "largest_state_gradient", times(3)),
    ("M1a", ": attractor", "latch", "table", "attractor", plus(0.001)),
    ("M1a", "factor at the attractor", "latch", "table", "factor", plus(0.001)),
    ("M1a", "adverse input", "latch", "table", "adverse_input", plus(0.001)),
    ("M1b", "latched state", "latch", "table", "factor_latched", times(1.001)),
    ("M1c", "share of nets that learn", "latch", "table", "share_solved", other_share),
    ("M1d", "set by hand", "latch", "table", "hand_right", times(0.5)),
    ("T1", ": ds_1/dtheta", "truncation", "lags", "derivative", times(1.01)),
    ("T1", "the first K whose", "truncation", "lags", "derivative", plus(0.5)),
    ("T1", "that have the right sign", "truncation", "lags", "derivative", plus(-1)),
    ("T2a", "by theory", "truncation", "table", "slope", plus(-0.06)),
    ("T2a", "own growth rate", "truncation", "table", "slope_minus_growth", plus(0.03)),
    ("T2b", "above the geometric bound", "truncation", "nets", "log_bias_over_bound", times(-1)),
    ("T2b", "of the mean left out", "truncation", "tables", "", every(plus(1e3), "over_bound_80", "over_bound_100")),
    ("S4", "does not fall", "truncation", "lags", "log_bias", times(-1)),
    ("S4", "does not fall", "truncation", "lags", "steps_back", times(-1)),
    ("S4", "over 100 times", "truncation", "table", "log_bias_fall", times(0.3)),
    ("S4", "cost at K", "truncation", "lags", "steps_back", plus(5)),
    ("S5a", "gain of Glorot's W_hh", "glorot_start", "nets", "gain_achieved", times(1.05)),
    ("S5b", "over that of std", "glorot_start", "nets", "growth_rate", times(0.2)),
    ("S5c", "Glorot's start vanish", "glorot_start", "table", "growth_rate", times(-1)),
    ("S5d", "start = theory", "glorot_start", "table", "growth_rate", plus(0.1)),
    ("S7a", "stays at chance", "bidirectional", "table", "error", times(0.8)),
    ("S7b", "both directions", "bidirectional", "table", "error", plus(0.1)),
    ("S7c", "paired nets", "bidirectional", "nets", "error", times(0.5)),
    ("M2a", "best share", "long_lag", "tables", "", at_three_rates(0.0)),
    ("M2b", "best share", "long_lag", "tables", "", at_three_rates(1.0)),
    ("M2c", "share of trials solved", "long_lag", "table", "solved_share", always(0.0)),
    ("M2c", "sequences until success", "long_lag", "table", "sequences", times(2.0)),
    ("M2e", "share of trials", "long_lag_distractors", "tables", "", task_2c(solved_share=0.0, solved_share_se=0.05)),
    ("M2f", "sequences until", "long_lag_distractors", "tables", "", task_2c(sequences=1e6, sequences_se=1.0)),
    ("M2g", "number of weights", "long_lag_distractors", "table", "weights", plus(1)),
    ("M2d", "number of weights", "long_lag", "table", "weights", plus(1)),
    (
        "C4",
        "success it adds",
        "vanishing_uncured",
        "tables",
        "",
        outcomes_by_method(sgd="unsolved", clip="solved", normalized="solved"),
    ),
    (
        "C4",
        "share solved where",
        "vanishing_uncured",
        "tables",
        "",
        outcomes_by_method(clip="unsolved", normalized="unsolved"),
    ),
    ("C2e", "solves first", "clip_headline", "tables", "", headline("first", "clip", {NO_CLIP: 100.0, 1.0: 900.0})),
    (
        "C2f",
        "share solved",
        "clip_headline",
        "tables",
        "",
        headline("first", "clip", {NO_CLIP: 100.0, 1.0: float("nan")}),
    ),
    ("C2g", "solves first", "clip_headline", "tables", "", headline("first", "omega", {0.0: 100.0, 4.0: 900.0})),
    ("C2h", "without a clip", "clip_headline", "tables", "", headline("first", "omega", {4.0: 100.0})),
    ("S8a", "best bag of words", "temporal_order", "table", "bag_of_words_error", plus(0.01)),
    ("S8b", "share wrong of all", "temporal_order", "nets", "error", plus(0.5)),
    ("S8c", "share wrong of AB", "temporal_order", "nets", "pair_error", plus(0.9)),
    ("C2a", "share solved at length", "clipping_methods", "tables", "", long_before_short),
    ("C2h", "without a clip", "clipping_methods", "tables", "", headline("first", "omega", {4.0: 100.0})),
    ("C2b", "solves sooner than SGD 0.01", "clipping_methods", "tables", "", clip_solves_later),
    ("C2c", "at its best learning rate", "clipping_methods", "tables", "", clip_solves_later),
    ("C2d", "SGD-CR solves sooner", "clipping_methods", "tables", "", regularizer_solves_later),
    ("C3a", "best constant answer", "pathological", "table", "error_of_constant", plus(0.05)),
    ("C3b", "5, length", "pathological", "tables", "", published_budget(0)),
    ("C3b", "20, length", "pathological", "tables", "", published_budget(0)),
    ("C3b", "order, length", "pathological", "tables", "", published_budget(0)),
    ("C3b", "order_3, length", "pathological", "tables", "", published_budget(0)),
    ("C3b", "pascanu, length", "pathological", "tables", "", published_budget(0)),
    ("C3b", "multiplication, length", "pathological", "tables", "", published_budget(0)),
    ("S6a", "tested at 40", "longer_than_trained", "nets", "error_2x", plus(0.5)),
    ("S6a", "tested at 100", "longer_than_trained", "nets", "error_5x", plus(0.9)),
    ("C2i", "by a clip at", "clip_threshold", "tables", "", every_job(updates=20_000, seq_len=20, n_solved=0)),
    ("S3a", "share diverged", "clip_cures", "tables", "", clip_makes_all_diverge),
    ("M3a", "plateau at delay", "copying", "table", "constant_loss", times(1.01)),
    ("M3b", "test loss / plateau", "copying", "nets", "test_loss", times(2.0)),
    (
        "M6",
        "copying, seq_len",
        "linear_transition",
        "tables",
        "",
        losses("net", {"lt_orthogonal": 1.0, "lt_identity": 0.1}),
    ),
    (
        "M6",
        "adding_le, seq_len",
        "linear_transition",
        "tables",
        "",
        losses("net", {"lt_orthogonal": 0.1, "lt_identity": 1.0}),
    ),
    ("M5a", "squared error of the constant", "adding", "table", "loss_of_constant", plus(0.05)),
    ("M5b", "is solved sooner", "adding", "tables", "", others_learn_adding_first),
    ("M4", "loss at radius", "adding_radius", "tables", "", losses("spectral_radius", {0.5: 0.1, 1.1: 1.0, 2.0: 0.1})),
    ("S2a", "at lag 5 ", "memory_horizon", "tables", "", every_job(updates=20_000, solved_share=0.0, n_solved=0)),
    ("S2b", "at lag 50 ", "memory_horizon", "tables", "", every_job(updates=20_000, solved_share=1.0, n_solved=10)),
]


@pytest.fixture(scope="module")
def modules():
    return reproduce.experiments()


@pytest.fixture(scope="module")
def tables(modules):
    presets = {name: report.largest_preset(RESULTS, name) for name in modules}
    assert [name for name, preset in presets.items() if preset is None] == [], "no committed tables: make results ONLY="
    return {name: read(RESULTS / preset / name) for name, preset in presets.items()}


@pytest.fixture(scope="module")
def committed():
    return pd.read_csv(RESULTS / "claims.csv")


@pytest.mark.parametrize("wrong", WRONG, ids=[" ".join((w[0], w[1], w[4])) for w in WRONG])
def test_wrong_data_fail_the_claim(modules, tables, wrong):
    claim, part, experiment, name, column, go_wrong = wrong
    if name == "tables":
        spoilt = go_wrong(tables[experiment])
    else:
        frame = getattr(tables[experiment], name)
        spoilt = tables[experiment]._replace(**{name: frame.assign(**{column: go_wrong(frame[column])})})
    judged = [c for c in modules[experiment].claims(spoilt) if c.claim.claim == claim and part in c.statement]
    assert judged
    assert {c.statement: c.verdict for c in judged if c.verdict != "fails"} == {}


def test_every_claim_is_spoilt_above(committed):
    for row in committed.itertuples():
        experiment = row.experiment.split("/")[1]
        assert any(w[0] == row.claim and w[1] in row.statement and w[2] == experiment for w in WRONG), row.statement


def test_the_committed_tables_give_the_committed_verdicts(modules, committed):
    judged = []
    for name, module in modules.items():
        preset = report.largest_preset(RESULTS, name)
        claims = module.claims(read(RESULTS / preset / name))
        judged.append(report.Judged(name, preset, module.BUDGET_MINUTES[preset], claims))
    found = report.claims_frame(judged)[list(committed)]
    pd.testing.assert_frame_equal(found, committed, rtol=1e-12, atol=1e-12)  # the libm of another machine


@pytest.mark.parametrize("experiment", ["critical_gain", "gradient_flow", "growth_theory", "linear_growth"])
def test_a_rate_that_was_not_measured_is_never_in_favour(modules, tables, experiment):
    columns = ["growth_rate", "rate_minus_log_radius"]
    table = tables[experiment].table
    gone = {column: float("nan") for column in columns if column in table}
    spoilt = modules[experiment].claims(tables[experiment]._replace(table=table.assign(**gone)))
    rates = [c for c in spoilt if c.measured != c.measured]
    assert rates
    assert {c.verdict for c in rates} == {"undecided"}
