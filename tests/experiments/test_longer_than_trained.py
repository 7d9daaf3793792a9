"""Nets tested on sequences longer than those they were trained on: which lengths a job may have."""

import pytest
from longer_than_trained import Config

from rnnkit.runner.jobs.config import faults


@pytest.mark.parametrize(
    ("shortest", "told"),
    [
        (21, "shortest must be an integer from 1 to seq_len=20, got 21"),
        (9, "shortest of task temporal_order must be an integer >= 10, got 9"),
    ],
)
def test_a_shortest_length_that_cannot_be_is_told(shortest, told):
    keys = {"task": "temporal_order", "seq_len": 20, "seed": 0, "out": "unused"}
    assert faults(Config, keys | {"shortest": shortest}) == [told]
