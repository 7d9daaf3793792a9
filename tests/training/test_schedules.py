import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnkit.training.schedules import Constant, HalveOnPlateau

losses = st.lists(st.sampled_from([math.nan, math.inf]) | st.floats(0, 3) | st.integers(0, 3), max_size=30)


def rates(schedule, given_losses):
    return [schedule(loss) for loss in given_losses]


def test_constant():
    assert rates(Constant(0.1), [1.0, 2.0, math.nan]) == [0.1, 0.1, 0.1]


def test_it_halves_when_the_loss_has_not_improved():
    schedule = HalveOnPlateau(0.1)
    assert rates(schedule, [3, 2, 2, 1, 1.5, 1.2, 0.9]) == [0.1, 0.1, 0.05, 0.05, 0.025, 0.0125, 0.0125]
    assert (schedule.learning_rate, schedule.best, schedule.waited) == (0.0125, 0.9, 0)


def test_it_waits_for_more_than_patience_evaluations_and_starts_anew():
    assert rates(HalveOnPlateau(1.0, patience=2), [1] + [2] * 7) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert rates(HalveOnPlateau(1.0, patience=2), [4, 4, 4, 3, 3, 3, 2]) == [1] * 7


def test_small_improvements_do_not_count_but_add_up():
    """The lowest loss is kept from the last improvement, so that a slow fall is one in the end."""
    schedule = HalveOnPlateau(1.0, patience=2, min_improvement=0.25)
    assert rates(schedule, [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.375]) == [1, 1, 1, 1, 1, 1, 0.5]


def test_nan_is_no_improvement():
    assert rates(HalveOnPlateau(1.0), [math.nan, 1, math.nan, 0.5]) == [0.5, 0.5, 0.25, 0.25]


def test_it_stops_at_the_smallest():
    assert rates(HalveOnPlateau(1.0, smallest=0.3), [1] * 5) == [1, 0.5, 0.3, 0.3, 0.3]


@given(losses, st.integers(0, 3), st.sampled_from([0.0, 0.1, 1.0]), st.sampled_from([0.5, 0.1]), st.floats(0, 0.1))
def test_against_torch(given_losses, patience, min_improvement, factor, smallest):
    torch = pytest.importorskip("torch", reason="torch is a peer of the benchmark, not needed otherwise")
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    peer = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=factor, patience=patience, threshold=min_improvement, threshold_mode="abs",
        min_lr=smallest, eps=0,
    )  # fmt: skip
    schedule = HalveOnPlateau(0.1, patience, min_improvement, factor, smallest)
    for loss in given_losses:
        peer.step(loss)
        assert schedule(loss) == peer.get_last_lr()[0]


def test_the_representation_makes_the_same():
    text = "HalveOnPlateau(learning_rate=0.1, patience=1, min_improvement=0.0, factor=0.5, smallest=0.0)"
    assert repr(HalveOnPlateau(0.1, 1)) == text
    assert repr(Constant(0.1)) == "Constant(learning_rate=0.1)"


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *[("learning_rate", v) for v in (-0.1, math.nan, math.inf, "0.1")],
        *[("patience", v) for v in (-1, 1.0, True)],
        *[("min_improvement", v) for v in (-0.1, math.nan, math.inf)],
        *[("factor", v) for v in (0, 1.0, math.nan)],
        *[("smallest", v) for v in (-0.1, 0.2, math.nan)],
    ],
)
def test_a_bad_argument_is_named(name, bad):
    with pytest.raises(ValueError, match=rf"^{name} must"):
        HalveOnPlateau(**({"learning_rate": 0.1} | {name: bad}))


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf])
def test_a_bad_constant_is_named(bad):
    with pytest.raises(ValueError, match=r"^learning_rate must"):
        Constant(bad)
