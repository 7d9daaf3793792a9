"""The nets of the literature begin with the numbers that their papers give."""

import re

import numpy as np
import pytest
from cell_cases import FOLDER

from rnnkit import initializers
from rnnkit.kernels import ACTIVATIONS
from rnnkit.networks.recipes import RECIPES, make
from rnnkit.rng import streams

H = 100
STD = 0.05  # relative, of a standard deviation of thousands of draws: 4 standard errors
PASCANU = {  # Pascanu, Mikolov, Bengio (2013): standard deviations of W_xh, W_hh, W_hy
    "sigmoid": ("sigmoid", 0.01, 0.01, 0.01),
    "basic_tanh": ("tanh", 0.1, 0.1, 0.1),
    "smart_tanh": ("tanh", 0.01, None, 0.01),
}


def net_of(name, seed=0, **keys):
    return make(name, 40, H, 40, streams(seed).init, **keys)


def parts(net):
    return [net.parameters[name] for name in ("l0.W_xh", "l0.W_hh", "W_hy")]


@pytest.mark.parametrize("name", PASCANU)
def test_pascanus_nets_have_the_papers_numbers(name):
    cell, *stds = PASCANU[name]
    net = net_of(name)
    assert net.cell.name == cell
    for weights, std in zip(parts(net), stds, strict=True):
        if std is not None:
            assert np.std(weights) == pytest.approx(std, rel=STD)
            assert abs(weights.mean()) < 4 * std / np.sqrt(weights.size)


@pytest.mark.parametrize(("name", "radius"), [("smart_tanh", 0.95), ("sutskever", 1.1)])
def test_sparse_nets_have_15_incoming_weights_a_unit_and_their_radius(name, radius):
    W_hh = net_of(name, dtype="float64").parameters["l0.W_hh"]
    np.testing.assert_array_equal((W_hh != 0).sum(axis=0), 15)
    assert initializers.spectral_radius(W_hh) == pytest.approx(radius, rel=1e-12)
    assert np.std(net_of("sutskever").parameters["l0.W_xh"]) == pytest.approx(0.001, rel=STD)


def test_identity_and_orthogonal_weights_are_what_they_are_called():
    for name in ("irnn", "identity"):
        np.testing.assert_array_equal(net_of(name).parameters["l0.W_hh"], np.eye(H))
    assert np.std(net_of("irnn").parameters["l0.W_xh"]) == pytest.approx(0.001, rel=STD)
    W_hh = net_of("orthogonal", dtype="float64").parameters["l0.W_hh"]
    np.testing.assert_allclose(W_hh @ W_hh.T, np.eye(H), atol=1e-12)


@pytest.mark.parametrize("name", RECIPES)
def test_biases_are_zero_but_for_the_forget_gate(name):
    net = net_of(name)
    bias = net.parameters.get("l0.b_h", np.zeros(0))
    expected = np.zeros_like(bias)
    if name == "chrono":  # a gate that forgets after 1 to 99 steps, and one that lets as much in
        i, f, *rest = np.split(bias, 4)
        assert (f.min() >= 0, f.max() <= np.log(99), bool(np.ptp(f) > 1)) == (True, True, True)
        np.testing.assert_array_equal(i, -f)
        bias, expected = np.concatenate(rest), np.zeros(2 * H, bias.dtype)
    elif RECIPES[name].forget_bias:
        assert (bias == 1).sum() == H
        expected = np.where(bias == 1, 1, 0)
    np.testing.assert_array_equal(bias, expected)
    np.testing.assert_array_equal(net.parameters["b_y"], 0)
    assert net.arguments()["cell"].name == RECIPES[name].cell


@pytest.mark.parametrize("name", RECIPES)
def test_one_generator_gives_one_net_and_another_another(name):
    assert net_of(name).flat.tobytes() == net_of(name).flat.tobytes()
    assert net_of(name).flat.tobytes() != net_of(name, seed=1).flat.tobytes()


def test_the_frozen_weights_are_those_of_the_control_alone():
    assert {name: recipe.frozen for name, recipe in RECIPES.items() if recipe.frozen} == {"tanh_frozen": ("l0.W_hh",)}
    assert net_of("tanh_frozen").flat.tobytes() == net_of("tanh").flat.tobytes()
    assert set(RECIPES["tanh_frozen"].frozen) <= set(net_of("tanh_frozen").parameters)


ELMAN = [name for name, recipe in RECIPES.items() if recipe.cell in ACTIVATIONS and recipe.parametrization is None]


@pytest.mark.parametrize("radius", [0.8, 1.2])
@pytest.mark.parametrize("name", ELMAN)
def test_a_spectral_radius_scales_the_recurrent_weights_exactly_and_them_alone(name, radius):
    plain, scaled = net_of(name, dtype="float64"), net_of(name, dtype="float64", spectral_radius=radius)
    assert initializers.spectral_radius(scaled.parameters["l0.W_hh"]) == pytest.approx(radius, rel=1e-12)
    W_hh = plain.parameters["l0.W_hh"]
    factor = radius / initializers.spectral_radius(W_hh)
    np.testing.assert_allclose(scaled.parameters["l0.W_hh"], W_hh * factor, rtol=1e-12)
    for weights in ("l0.W_xh", "W_hy"):
        np.testing.assert_array_equal(scaled.parameters[weights], plain.parameters[weights])


@pytest.mark.parametrize("name", ["indrnn", "mingru", "minlstm", "lru"])
def test_without_recurrent_weights_there_is_no_radius(name):
    with pytest.raises(ValueError, match=r"cannot be combined with cell=.*: it has no W_hh"):
        net_of(name, spectral_radius=1.1)


@pytest.mark.parametrize("hidden_size", [1, 2, 16])
@pytest.mark.parametrize("name", RECIPES)
def test_small_nets_can_be_made(name, hidden_size):
    net = make(name, 1, hidden_size, 1, streams(0).init, output="every")
    assert np.isfinite(net.flat).all()
    assert net.output == "every"


@pytest.mark.parametrize("name", ["Tanh", "", None, 3])
def test_an_unknown_name_is_told_with_what_is_allowed(name):
    with pytest.raises(ValueError, match=re.escape(f"name must be one of {', '.join(RECIPES)}, got {name!r}")):
        make(name, 1, 2, 1, streams(0).init)
    with pytest.raises(ValueError, match="spectral_radius must be a finite number > 0, got 0"):
        make("tanh", 1, 2, 1, streams(0).init, spectral_radius=0)


@pytest.mark.parametrize("name", RECIPES)
def test_any_recipe_takes_a_cell_without_what_it_sets(name):
    """No W_hh, no gate that keeps: what the recipe says of these is left out, the rest holds."""
    net = net_of(name, cell=FOLDER / "min_gru.py")
    assert "l0.W_hh" not in net.parameters
    std = RECIPES[name].input_std
    assert std is None or np.std(net.parameters["l0.W_xh"]) == pytest.approx(std, rel=STD)
