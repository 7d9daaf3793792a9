"""Every fault of a job gives one line with key, what it must be, and value."""

import math

import pytest
from common import flow_config
from common.flow_config import FlowConfig
from hypothesis import example, given
from hypothesis import strategies as st

from rnnkit.runner.jobs import plan
from rnnkit.runner.jobs.config import faults, number

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
    ({"seq_len": 0}, "seq_len must be an integer from 1 to 1000000, got 0"),
    ({"seq_len": True}, "seq_len must be an integer from 1 to 1000000, got True"),
    ({"drive_variance": True}, "drive_variance must be a number from 0 to 1e6, got True"),
    ({"seq_len": 2.5}, "seq_len must be an integer from 1 to 1000000, got 2.5"),
    ({"spectral_radius": -1}, "spectral_radius must be none or a number from 1e-6 to 1e6, got -1"),
    ({"gain": 0}, "gain must be none or a number from 1e-6 to 1e6, got 0"),
    ({"clip": math.nan}, "clip must be none or a number from 1e-6 to 1e6, got nan"),
    ({"clip": math.inf}, "clip must be none or a number from 1e-6 to 1e6, got inf"),
    ({"clip": "foo"}, "clip must be none or a number from 1e-6 to 1e6, got foo"),
    ({"clip": "1"}, "clip must be none or a number from 1e-6 to 1e6, got '1'"),
    ({"clip": True}, "clip must be none or a number from 1e-6 to 1e6, got True"),
    ({"clip": None}, "clip must be none or a number from 1e-6 to 1e6, got None"),
    ({"clip_mode": "both"}, "clip_mode must be norm or value, got both"),
    ({"hidden_size": 1e9}, "hidden_size must be an integer from 1 to 4096, got 1000000000.0"),
    ({"drive_variance": math.nan}, "drive_variance must be a number from 0 to 1e6, got nan"),
    ({"drive_variance": -1}, "drive_variance must be a number from 0 to 1e6, got -1"),
    ({"initializer": "he"}, "initializer must be glorot, gaussian, orthogonal, identity or sparse, got he"),
    ({"dtype": "float16"}, "dtype must be float32 or float64, got float16"),
    ({"seed": -1}, "seed must be an integer from 0 to 2^32 - 1, got -1"),
    ({"seed": 2**32}, "seed must be an integer from 0 to 2^32 - 1, got 4294967296"),
    ({"out": ""}, "out must be a folder to write to, got ''"),
    ({"gain": 1.0, "spectral_radius": 2}, "spectral_radius=2.0 cannot be combined with gain=1.0: one of"),
    ({"drive": "digits", "seq_len": 65}, "seq_len must be an integer from 2 to 64 with drive=digits"),
    ({"drive": "digits", "seq_len": 1}, "seq_len must be an integer from 2 to 64 with drive=digits"),
    ({"drive": "digits", "drive_variance": 0}, "drive_variance must be a number above 0 with drive=digits, got 0"),
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
    return FlowConfig


def test_a_valid_job_has_no_fault(schema):
    assert faults(schema, GOOD) == []
    assert faults(schema, GOOD | {"clip": 1, "gain": 0.5, "drive": "digits", "seq_len": 64}) == []


@pytest.mark.parametrize(("change", "line"), WRONG, ids=[str(change) for change, _ in WRONG])
def test_a_fault_is_one_line_with_key_what_it_must_be_and_value(schema, change, line):
    (found,) = faults(schema, GOOD | change)
    assert found.startswith(line)
    assert "\n" not in found


def test_an_unknown_key_is_named_with_the_known_ones(schema):
    (found,) = faults(schema, GOOD | {"typo": 1})
    assert found.startswith("unknown key typo=1: known are ")
    assert all(key in found for key in GOOD)


def test_a_missing_key_is_named(schema):
    (found,) = faults(schema, {k: v for k, v in GOOD.items() if k != "seq_len"})
    assert found == "seq_len is missing: it must be an integer from 1 to 1000000"


def test_several_faults_are_all_listed(schema):
    found = faults(schema, GOOD | {"seq_len": 0, "clip": "foo", "typo": 1, "cell": "gelu"})
    assert sorted(keys_of(found)) == ["cell", "clip", "seq_len", "typo"]


def keys_of(found):
    """Return the key that each fault names."""
    return [line.removeprefix("unknown key ").replace("=", " ").split()[0] for line in found]


def check(schema, configs):
    """Return the faults of a sweep; what is left out of it has one."""
    sound, found = plan.check(schema, configs)
    assert len(sound) == sum(not faults(schema, values) for values in configs)
    return found


def test_a_sweep_lists_each_fault_once_and_refuses_two_folders_and_doubles(schema):
    jobs = [GOOD | {"seq_len": n, "clip": "foo"} for n in (0, 5)]
    assert keys_of(check(schema, jobs)) == ["seq_len", "clip"]
    said = "every value of a key must be given once, got the same job twice"
    assert check(schema, [GOOD, GOOD]) == [said]
    (line,) = check(schema, [GOOD, GOOD | {"out": "elsewhere"}])
    assert line == "out must be one folder for the whole sweep, got somewhere, elsewhere"


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
    assert faults(schema, GOOD | {"clip": value})[0].endswith(f"number from 1e-6 to 1e6, got {value}; write it as none")
    assert "spelt" not in faults(schema, GOOD | {"seq_len": value})[0]


def test_a_long_or_strange_value_is_one_short_line(schema):
    for value in ("x" * 3000, "a\nb", "\x07", list(range(5000))):
        (found,) = faults(schema, GOOD | {"seq_len": value})
        assert found.isprintable()
        assert len(found) < 200


def test_faults_of_jobs_and_of_the_sweep_come_together(schema):
    jobs = [GOOD | {"seq_len": 0}, GOOD | {"out": ["a"]}, GOOD | {"force": True}, GOOD]
    assert keys_of(check(schema, jobs)) == ["seq_len", "out", "out", "force"]


def test_a_sweep_has_one_folder_and_one_value_of_force_and_of_stale(schema):
    more = [("out", "b", "folder"), ("force", True, "value"), ("stale", "keep", "value")]
    base = GOOD | {"out": "a", "force": False, "stale": "stop"}
    for key, value, what in more:
        said = f"{key} must be one {what} for the whole sweep, got {base[key]}, {value}"
        assert check(schema, [base, base | {"seq_len": 9, key: value}]) == [said]


def test_digits_that_are_not_installed_are_a_fault_of_the_drive(schema, monkeypatch):
    def missing():
        raise ValueError("the digits need scikit-learn")

    monkeypatch.setattr(flow_config, "read_digits", missing)
    assert faults(schema, GOOD | {"drive": "digits", "seq_len": 64}) == ["drive=digits: the digits need scikit-learn"]
