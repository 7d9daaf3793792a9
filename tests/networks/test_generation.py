import numpy as np
import pytest

import rnnkit
from rnnkit.networks.generation import generate, most_likely, sample

DRAWS = 20_000
DEVIATION = 0.02  # of a frequency: 5 standard errors of .5 over DRAWS


def test_each_step_is_a_step_of_the_net_on_its_own_output():
    net, first = rnnkit.RNN(5, 7, 5, cell="lstm", layers=2, seed=1), np.array([0, 3])
    made = generate(net, first, 6)
    again = net.forward(np.concatenate([first[None], made.x[:-1]]))
    np.testing.assert_array_equal(made.y, again.y)
    np.testing.assert_array_equal(made.x, again.y.argmax(axis=2))
    np.testing.assert_array_equal(made.state.h, again.state.h)
    np.testing.assert_array_equal(made.state.c, again.state.c)


def test_a_state_goes_on_where_a_run_ended():
    net, first = rnnkit.RNN(5, 7, 5, seed=1), np.array([2])
    whole = generate(net, first, 8)
    half = generate(net, first, 4)
    rest = generate(net, half.x[-1], 4, state=half.state)
    np.testing.assert_array_equal(np.concatenate([half.x, rest.x]), whole.x)


def test_samples_have_the_probabilities_of_the_softmax():
    logits = np.array([0.0, 1.0, 2.0])
    for temperature in (0.5, 1.0, 3.0):
        drawn = sample(np.tile(logits, (DRAWS, 1)), np.random.default_rng(0), temperature)
        weights = np.exp(logits / temperature)
        frequencies = np.bincount(drawn, minlength=3) / DRAWS
        np.testing.assert_allclose(frequencies, weights / weights.sum(), rtol=0, atol=DEVIATION)


def test_a_cold_sample_is_the_likeliest():
    logits = np.random.default_rng(0).standard_normal((50, 9))
    np.testing.assert_array_equal(sample(logits, np.random.default_rng(1), 1e-6), most_likely(logits))


def test_the_same_generator_draws_the_same():
    logits = np.zeros((50, 9))
    first, again, other = (sample(logits, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("temperature", [0, -1, np.nan, np.inf])
def test_a_temperature_that_is_none_is_named(temperature):
    with pytest.raises(ValueError, match=r"^temperature must be a finite number > 0"):
        sample(np.zeros((1, 2)), np.random.default_rng(0), temperature)


@pytest.mark.parametrize("options", [{"bidirectional": True}, {"output": "last"}])
def test_a_net_that_cannot_run_freely_is_refused(options):
    with pytest.raises(ValueError, match=r"^net must have one direction"):
        generate(rnnkit.RNN(3, 4, 3, **options), np.array([0]), 2)


FED_BACK = r"to be fed them back, got {}: give `choose`$"


@pytest.mark.parametrize(
    ("first", "outputs", "message"),
    [
        ([0], 4, "^net must have at most as many outputs as inputs, 3, " + FED_BACK.format(4)),
        ([[0.0, 1.0, 2.0]], 2, "^net must have as many outputs as inputs, 3, " + FED_BACK.format(2)),
        ([[0.0, 1e300, 2.0]], 3, r"^first must fit float32, got 1e\+300 at \(0, 1\)$"),
    ],
)
def test_what_a_net_cannot_be_fed_is_told(first, outputs, message):
    with pytest.raises(ValueError, match=message):
        generate(rnnkit.RNN(3, 4, outputs), np.array(first), 2)


def test_bad_steps_are_named():
    with pytest.raises(ValueError, match=r"^steps must be an integer >= 1, got 0"):
        generate(rnnkit.RNN(3, 4, 3), np.array([0]), 0)
