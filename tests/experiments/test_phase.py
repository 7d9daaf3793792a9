"""Phase diagrams are drawn of what was swept, and not of what was not."""

from pathlib import Path

import pytest
from common.phase import gain_by_drive, length_by_radius

from rnnkit.runner.tables import read

QUICK = Path(__file__).resolve().parents[2] / "results" / "quick"


@pytest.mark.parametrize(("draw", "experiment", "keys"), [
    (gain_by_drive, "growth_theory", ("gain", "drive_variance")),
    (length_by_radius, "gradient_flow", ("seq_len", "spectral_radius")),
])  # fmt: skip
def test_a_diagram_needs_two_values_of_both_axes(draw, experiment, keys, tmp_path):
    table = read(QUICK / experiment).table
    draw(table, tmp_path / "whole.png")
    assert (tmp_path / "whole.png").stat().st_size > 10_000
    for key in keys:
        draw(table[table[key] == table[key].iloc[0]], tmp_path / "line.png")
    draw(table[:0], tmp_path / "line.png")
    assert not (tmp_path / "line.png").exists()
