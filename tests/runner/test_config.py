"""Every fault of a job gives one line with key, value and what is allowed."""

import math
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rnnkit.runner import plan
from rnnkit.runner.config import faults, number

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
GOOD = {
    "seq_len": 20,
    "spectral_radius": "none",
    "gain": "none",
    "clip": "none",
    "clip_mode": "norm",
    "hidden_size": 8,
    "initializer": "gaussian",
    "cell": "tanh",
    "drive": "noise",
    "drive_variance": 1.0,
    "batch_size": 2,
    "replicates": 3,
    "seed": 0,
    "dtype": "float64",
    "out": "somewhere",
}
WRONG = [
    ({"seq_len": 0}, "seq_len=0: allowed is an integer from 1 to 1000000"),
    ({"seq_len": True}, "seq_len=True: allowed is an integer from 1 to 1000000"),
    ({"drive_variance": True}, "drive_variance=True: allowed is a number from 0 to 1e6"),
    ({"seq_len": 2.5}, "seq_len=2.5: allowed is an integer from 1 to 1000000"),
    ({"spectral_radius": -1}, "spectral_radius=-1: allowed is none or a number from 1e-6 to 1e6"),
    ({"gain": 0}, "gain=0: allowed is none or a number from 1e-6 to 1e6"),
    ({"clip": math.nan}, "clip=nan: allowed is none or a number from 1e-6 to 1e6"),
    ({"clip": math.inf}, "clip=inf: allowed is none or a number from 1e-6 to 1e6"),
    ({"clip": "foo"}, "clip=foo: allowed is none or a number from 1e-6 to 1e6"),
    ({"clip": "1"}, "clip='1': allowed is none or a number from 1e-6 to 1e6"),
    ({"clip": True}, "clip=True: allowed is none or a number from 1e-6 to 1e6"),
    ({"clip": None}, "clip=None: allowed is none or a number from 1e-6 to 1e6"),
    ({"clip_mode": "both"}, "clip_mode=both: allowed is norm or value"),
    ({"hidden_size": 1e9}, "hidden_size=1000000000.0: allowed is an integer from 1 to 4096"),
    ({"drive_variance": math.nan}, "drive_variance=nan: allowed is a number from 0 to 1e6"),
    ({"drive_variance": -1}, "drive_variance=-1: allowed is a number from 0 to 1e6"),
    ({"initializer": "he"}, "initializer=he: allowed is glorot, gaussian, orthogonal, identity or sparse"),
    ({"dtype": "float16"}, "dtype=float16: allowed is float32 or float64"),
    ({"seed": -1}, "seed=-1: allowed is an integer from 0 to 2^32 - 1"),
    ({"seed": 2**32}, "seed=4294967296: allowed is an integer from 0 to 2^32 - 1"),
    ({"out": ""}, "out=: allowed is a folder to write to"),
    ({"gain": 1.0, "spectral_radius": 2}, "spectral_radius=2.0 gain=1.0: one of the two must be none"),
    ({"drive": "digits", "seq_len": 65}, "seq_len=65: with drive=digits allowed is 2 to 64"),
    ({"drive": "digits", "seq_len": 1}, "seq_len=1: with drive=digits allowed is 2 to 64"),
    ({"drive": "digits", "drive_variance": 0}, "drive_variance=0: with drive=digits allowed is a number above 0"),
]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["none", "digits", "sparse", "value"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@pytest.fixture(scope="module")
def schema():
    sys.path.insert(0, str(EXPERIMENTS))
    import gradient_flow

    return gradient_flow.Config


def test_a_valid_job_has_no_fault(schema):
    assert faults(schema, GOOD) == []
    assert faults(schema, GOOD | {"clip": 1, "gain": 0.5, "drive": "digits", "seq_len": 64}) == []


@pytest.mark.parametrize(("change", "line"), WRONG, ids=[line.split(":")[0] for _, line in WRONG])
def test_a_fault_is_one_line_with_key_value_and_what_is_allowed(schema, change, line):
    (found,) = faults(schema, GOOD | change)
    assert found.startswith(line)
    assert "\n" not in found


def test_an_unknown_key_is_named_with_the_known_ones(schema):
    (found,) = faults(schema, GOOD | {"typo": 1})
    assert found.startswith("typo=1: unknown key, allowed are ")
    assert all(key in found for key in GOOD)


def test_a_missing_key_is_named(schema):
    (found,) = faults(schema, {k: v for k, v in GOOD.items() if k != "seed"})
    assert found == "seed: missing, allowed is an integer from 0 to 2^32 - 1"


def test_several_faults_are_all_listed(schema):
    found = faults(schema, GOOD | {"seq_len": 0, "clip": "foo", "typo": 1, "cell": "gelu"})
    assert {line.split(":")[0] for line in found} == {"seq_len=0", "clip=foo", "typo=1", "cell=gelu"}


def check(schema, configs):
    """Return the faults of a sweep; what is left out of it has one."""
    sound, found = plan.check(schema, configs)
    assert len(sound) == sum(not faults(schema, values) for values in configs)
    return found


def test_a_sweep_lists_each_fault_once_and_refuses_two_folders_and_doubles(schema):
    jobs = [GOOD | {"seq_len": n, "clip": "foo"} for n in (0, 5)]
    assert [line.split(":")[0] for line in check(schema, jobs)] == ["seq_len=0", "clip=foo"]
    assert check(schema, [GOOD, GOOD]) == ["the sweep names the same job twice: every value of a key is allowed once"]
    (line,) = check(schema, [GOOD, GOOD | {"out": "elsewhere"}])
    assert line.startswith("out: one folder")


@pytest.mark.parametrize(("key", "same"), [("clip", (1, 1.0)), ("seq_len", (5, 5.0))])
def test_two_spellings_of_one_job_are_the_same_job(schema, key, same):
    assert len(check(schema, [GOOD | {key: value} for value in same])) == 1


@given(key=st.sampled_from([*GOOD, "typo"]), value=ANYTHING)
@example(key="clip", value=10**400)
@example(key="seq_len", value=10**400)
@example(key="drive_variance", value=10**400)
def test_faults_never_raise(schema, key, value):
    for line in faults(schema, GOOD | {key: value}):
        assert key in line


def test_number_reads_none_and_numbers():
    assert number("none") is None
    assert number(1) == 1.0


@pytest.mark.parametrize(("key", "close"), [("seq_ln", "seq_len"), ("SEED", "seed"), ("hiden_size", "hidden_size")])
def test_an_unknown_key_that_is_close_to_a_known_one_is_led_to_it(schema, key, close):
    (found,) = faults(schema, GOOD | {key: 1})
    assert found.endswith(f"; did you mean {close}?")


def test_an_unknown_key_that_is_close_to_none_is_led_to_none(schema):
    assert "did you mean" not in faults(schema, GOOD | {"zzz": 1})[0]


@pytest.mark.parametrize("value", [None, "None", "NONE"])
def test_none_in_another_spelling_is_told_how_it_is_spelt(schema, value):
    assert faults(schema, GOOD | {"clip": value})[0].endswith("number from 1e-6 to 1e6; it is spelt none")
    assert "spelt" not in faults(schema, GOOD | {"seq_len": value})[0]


def test_a_long_or_strange_value_is_one_short_line(schema):
    for value in ("x" * 3000, "a\nb", "\x07", list(range(5000))):
        (found,) = faults(schema, GOOD | {"seq_len": value})
        assert found.isprintable()
        assert len(found) < 200


def test_faults_of_jobs_and_of_the_sweep_come_together(schema):
    jobs = [GOOD | {"seq_len": 0}, GOOD | {"out": ["a"]}, GOOD | {"force": True}, GOOD]
    assert [line.split(":")[0] for line in check(schema, jobs)] == ["seq_len=0", "out=['a']", "out", "force, stale"]
