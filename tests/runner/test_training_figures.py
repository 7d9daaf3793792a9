"""Pictures of trainings: from a table, the same bytes each time."""

import numpy as np
import pandas as pd
import pytest

from rnnkit.runner.tables import training_figures as figures

TABLE = pd.DataFrame(
    [
        {"seq_len": L, "radius": r, "clip": clip, "net": clip, "solved_share": s / 4, "n": 4, "n_solved": s,
         "n_unsolved": 4 - s - d, "n_diverged": d, "wilson_low": s / 8, "wilson_high": 1.0}
        for L in (10, 20) for r in (0.5, 1.0) for clip, s, d in (("none", 3, 1), ("1.0", 4, 0))
    ]
)  # fmt: skip
NETS = pd.DataFrame({"first": [100, np.nan, 300, 200], "cap": 400, "method": ["a", "a", "b", "b"], "seq_len": 10})
HISTORY = pd.DataFrame(
    {"update": [1, 2, 1, 2], "net": ["a", "a", "b", "b"], "seq_len": 10, "loss": 0.5, "constant_loss": 0.4}
)
RADII = pd.DataFrame({"spectral_radius": [0.5, 0.5, 1.1], "test_loss": [0.3, 0.2, 0.1]})
DRAWN = {
    "success_grid": lambda path: figures.success_grid(TABLE, "seq_len", "radius", "clip", path),
    "solved_over_updates": lambda path: figures.solved_over_updates(NETS, "method", "seq_len", path),
    "learning_curves_by": lambda path: figures.learning_curves_by(HISTORY, "net", "seq_len", path),
    "success_by": lambda path: figures.success_by(TABLE, "seq_len", "net", path, "lag"),
    "outcomes": lambda path: figures.outcomes(TABLE, ["radius", "clip"], path),
    "error_by_length": lambda path: figures.error_by_length(np.full((3, 2), 0.1), [20, 40], 20, path),
    "no net to draw": lambda path: figures.error_by_length(np.empty((0, 2)), [20, 40], 20, path),
    "by_radius": lambda path: figures.by_radius(RADII, "test_loss", 0.2, path, "loss"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_has_the_same_bytes_each_time(tmp_path, name):
    for file in ("a.png", "b.png"):
        DRAWN[name](tmp_path / file)
    bytes_ = (tmp_path / "a.png").read_bytes()
    assert bytes_.startswith(b"\x89PNG")
    assert bytes_ == (tmp_path / "b.png").read_bytes()
