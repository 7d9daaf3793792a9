"""The one-unit map against closed forms, the wall against its theory, descent against differences and by hand."""

import numpy as np
import pytest
from clipping_wall import (
    Config,
    claims,
    descend,
    draw,
    error_and_gradient,
    measure,
    random_starts,
    saddle_nodes,
    shown_start,
    wall,
)
from scipy.special import expit, logit

from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.config import faults
from rnnkit.runner.tables import table as tables
from rnnkit.runner.tables.formats import NO_CLIP

BASE = {"clip": "none", "learning_rate": 0.1, "updates": 20, "starts": 6, "b_step": 1e-3, "seed": 0, "out": "unused"}
FOUND = 1e-9  # what the minimiser leaves of b
DIFFERENCES = 1e-7  # of central differences at steps of 1e-6 in float64


def test_the_gradient_is_that_of_the_error():
    w, b, step = np.array([4.2, 5.0, 6.0]), np.array([-2.0, -3.0, -2.2]), 1e-6
    _, gradient = error_and_gradient(w, b)
    up, down = (error_and_gradient(w + s, b)[0] for s in (step, -step))
    np.testing.assert_allclose(gradient[:, 0], (up - down) / (2 * step), rtol=DIFFERENCES, atol=DIFFERENCES)
    up, down = (error_and_gradient(w, b + s)[0] for s in (step, -step))
    np.testing.assert_allclose(gradient[:, 1], (up - down) / (2 * step), rtol=DIFFERENCES, atol=DIFFERENCES)


@pytest.mark.parametrize("w", [4.5, 5.0, 7.0])
def test_saddle_nodes_by_the_closed_form(w):
    s = (1 + np.array([-1, 1]) * np.sqrt(1 - 4 / w)) / 2  # sigma (1 - sigma) = 1/w
    np.testing.assert_allclose(saddle_nodes(w), logit(s) - w * s, atol=FOUND)


@pytest.mark.parametrize("w", [5.0, 5.5])
def test_the_wall_stands_where_the_start_is_an_unstable_fixed_point(w):
    place, height, top = wall(w, 1e-5)
    growth = w * expit(0.5) * (1 - expit(0.5))
    assert growth > 1
    assert abs(place - (0.5 - w * expit(0.5))) < 1e-5 + 5 * growth**-50  # the nearer, the steeper the wall
    assert 1 <= top / height < 200


def test_the_top_of_the_wall_does_not_depend_on_the_grid():
    assert wall(4.5, 1e-3)[2] == pytest.approx(wall(4.5, 1e-4)[2], rel=1e-9)


def test_clipping_scales_long_gradients_and_no_others():
    start = np.array([[5.0, -2.61234], [4.6, -2.1]])  # at the wall, and on the plain
    _, gradient = error_and_gradient(*start.T)
    norm = np.linalg.norm(gradient, axis=1)
    assert norm[0] > 1000
    assert norm[1] < 1
    moved = [start - descend(start, clip, 0.1, 1).path[1] for clip in (None, 1.0)]
    np.testing.assert_allclose(moved[0], 0.1 * gradient)
    np.testing.assert_allclose(moved[1], 0.1 * gradient / np.maximum(norm, 1)[:, None])


def test_starts_are_the_same_for_every_clip_and_number():
    np.testing.assert_array_equal(random_starts(3, 5), random_starts(3, 50)[:5])
    first, second = (measure(Config(**BASE | {"clip": clip})).nets for clip in ("none", 0.1))
    assert [(r["w"], r["b"]) for r in first] == [(r["w"], r["b"]) for r in second]


def test_a_sweep_is_drawn_and_other_protocols_are_not_judged(tmp_path):
    plan = [Config(**BASE | {"clip": clip}).scientific() for clip in ("none", 1.0)]
    for scientific in plan:
        measured = measure(Config(**scientific, out="unused"))
        record = {"config": scientific, "seconds": 0.0} | vars(measured)
        store.write_record(tmp_path / "jobs" / store.identity(scientific), record)
    tables.collect(tmp_path, plan, list(measured.row))
    draw(tmp_path)
    assert {p.name for p in tmp_path.glob("*.png")} == {"solved.png", "surface.png"}
    assert {c.claim.claim for c in claims(tables.read(tmp_path))} == {"C1a", "C1g"}


def test_the_start_shown_is_one_that_only_clipping_solves(tmp_path):
    frame = {"replicate": [0, 1, 2] * 2, "out": ["a"] * 3 + ["b"] * 3, "error": [1e-5, 0.1, 0.1, 1e-5, 0.1, 1e-5]}
    table = tables.pd.DataFrame({"out": ["a", "b"], "clip": [NO_CLIP, 1.0]})
    assert shown_start(tables.Tables(table, tables.pd.DataFrame(frame), None, None)) == 2


def test_bad_keys_are_refused_in_one_line_each():
    found = faults(Config, BASE | {"clip": 0, "learning_rate": 0, "starts": 1, "b_step": 1.0, "updates": 0.5})
    assert {f.split()[0] for f in found} == {"clip", "learning_rate", "starts", "b_step", "updates"}
    assert "clip must be none or a number from 1e-6 to 1e6, got 0" in found
