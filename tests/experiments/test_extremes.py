"""Whatever number a schema allows is a number that a job can do: its row is done or diverged, without a warning."""

import itertools
import math
import re
import warnings
from pathlib import Path

import annotated_types
import pytest
import reproduce
from omegaconf import OmegaConf

from rnnkit.runner.jobs.config import LARGEST, SMALLEST, faults

CONF = Path(__file__).resolve().parents[2] / "conf"
EXPERIMENTS = {name: module.EXPERIMENT for name, module in reproduce.experiments().items()}
SMALL = {"hidden_size": 2, "batch_size": 2, "replicates": 2, "check_every": 25, "check_size": 20, "starts": 2}
SMALL |= {"chains": 2, "nets": 10, "sample_length": 5, "max_sequences": 3, "max_outputs": 30, "updates": 100}
NUMBER_OR_WORD = re.compile(r"(?:none|small) or a(?: number| gain)? from (\S+) to ([^\s;]+)")
RULED = (
    "seq_len",
    "shortest",
    "updates",
    "check_every",
    "record_every",
)  # by the task and by one another, beyond their own bounds
BEYOND = 1e300, -1e300, math.nan, math.inf


def extremes(field):
    """Return the least and the largest value that a field allows; of integers the least alone, the rest takes long."""
    found = []
    for mark in field.metadata:
        if isinstance(mark, annotated_types.Ge):
            found.append(mark.ge)
        elif isinstance(mark, annotated_types.Gt):
            found.append(math.nextafter(mark.gt, math.inf))
        elif field.annotation is float and isinstance(mark, annotated_types.Le):
            found.append(mark.le)
        elif field.annotation is float and isinstance(mark, annotated_types.Lt):
            found.append(math.nextafter(mark.lt, -math.inf))
    said = NUMBER_OR_WORD.search(field.description or "")
    return [float(bound) for bound in said.groups()] if said else found


def base(name, out):
    """Return a small job of an experiment."""
    fields = EXPERIMENTS[name].schema.model_fields
    keys = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    keys = {key: value for key, value in keys.items() if key in fields} | {"out": str(out)}
    keys |= {key: value for key, value in SMALL.items() if key in fields}
    if "updates" in fields:
        keys["updates"] = max(keys["updates"], *extremes(fields["updates"]))
    if "seq_len" in fields and keys.get("seq_len") != "none":  # none: that of the data
        keys["seq_len"] = max(10, *extremes(fields["seq_len"]))
    return keys


def changes(name):
    """Yield each number key of an experiment with each of its extremes, in both dtypes where there are two."""
    fields = EXPERIMENTS[name].schema.model_fields
    dtypes = [{"dtype": dtype} for dtype in ("float32", "float64") if "dtype" in fields] or [{}]
    for key, field in fields.items():
        if key in RULED:
            continue
        for value in extremes(field):
            for dtype in dtypes if not isinstance(value, int) else dtypes[:1]:
                yield {key: value} | dtype


def beside(change, fields):
    """Return what has to stand beside a key that is changed."""
    needs = {
        "mu": {"optimizer": "momentum"},
        "omega": {"net": "tanh"},
        "spectral_radius": {"gain": "none"},
        "gain": {"spectral_radius": "none"},
    }
    key = next(iter(change))
    return {other: value for other, value in needs.get(key, {}).items() if other in fields}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_extreme_is_a_job_that_can_be_done(name, tmp_path, capsys):
    experiment, keys = EXPERIMENTS[name], base(name, tmp_path)
    ended = {}
    for change in changes(name):
        values = keys | change | beside(change, experiment.schema.model_fields)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                ended[str(change)] = experiment.measure(experiment.schema(**values)).row["status"]
            except Exception as error:
                ended[str(change)] = repr(error)
    assert {change: status for change, status in ended.items() if status not in ("done", "diverged")} == {}
    assert len(ended) >= 3


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_lies_beyond_is_refused_with_what_it_must_be(name, tmp_path):
    keys = base(name, tmp_path)
    fields = EXPERIMENTS[name].schema.model_fields
    words = [key for key, field in fields.items() if NUMBER_OR_WORD.search(field.description or "")]
    floats = [key for key, field in fields.items() if field.annotation is float]
    for key, value in [*itertools.product(floats + words, BEYOND), *((key, 5e-324) for key in words)]:
        found = faults(EXPERIMENTS[name].schema, keys | {key: value})
        assert any(line.startswith(f"{key} must be ") and f", got {value}" in line for line in found), (key, value)


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "identity"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("key", ["spectral_radius", "gain"])
def test_a_long_sequence_at_an_extreme_is_done_or_diverged(key, dtype, activation, tmp_path):
    experiment, keys = EXPERIMENTS["gradient_flow"], base("gradient_flow", tmp_path)
    for value in (SMALLEST, LARGEST):
        values = keys | {"seq_len": 100, "spectral_radius": "none", "gain": "none", "dtype": dtype} | {key: value}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            row = experiment.measure(experiment.schema(**values | {"cell": activation})).row
        assert row["status"] in ("done", "diverged")
