import copy

import numpy as np
import pytest

from rnnkit.training.optimizers import HYPERPARAMETERS, OPTIMIZERS, STATE, Optimizer

STEPS = 50
ROUNDING = {np.float32: 5e-6, np.float64: 1e-14}  # of parameters near 1 after 50 additions, 1e-7 or 2e-16 each
SHAPES = {"W_xh": (2, 3), "W_hh": (3, 3), "b_h": (3,)}
TORCH = {
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {}),
    "adam": ("Adam", {}),
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def draw(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {key: rng.standard_normal(shape).astype(dtype) for key, shape in SHAPES.items()}


def copied(arrays):
    return {key: a.copy() for key, a in arrays.items()}


def assert_equal(got, expected):
    assert got.keys() == expected.keys()
    for key in got:
        np.testing.assert_array_equal(got[key], expected[key])


@every_optimizer
@pytest.mark.parametrize("dtype", ROUNDING)
def test_a_net_trained_with_a_falling_learning_rate_against_torch(name, dtype):
    """The defaults are torch's too, but for the learning rate."""
    torch = pytest.importorskip("torch", reason="torch is a peer of the benchmark, not needed otherwise")
    parameters = draw(0, dtype)
    leaves = {key: torch.nn.Parameter(torch.from_numpy(p.copy())) for key, p in parameters.items()}
    kind, hyperparameters = TORCH[name]
    peer, ours = getattr(torch.optim, kind)(leaves.values(), lr=0.01, **hyperparameters), Optimizer(name, 0.01)
    for step in range(STEPS):
        peer.param_groups[0]["lr"] = ours.learning_rate = 0.01 * 0.95**step
        gradients = draw(step + 1, dtype)
        ours.step(parameters, gradients)
        for key, g in gradients.items():
            leaves[key].grad = torch.from_numpy(g.copy())
        peer.step()
    for key, p in parameters.items():
        np.testing.assert_allclose(p, leaves[key].detach().numpy(), rtol=ROUNDING[dtype], atol=ROUNDING[dtype])


@every_optimizer
def test_state_is_made_at_the_first_step_and_updates_are_in_place(name):
    parameters, optimizer = draw(0), Optimizer(name, 0.01)
    held, before = dict(parameters), copied(parameters)
    assert (optimizer.state, optimizer.steps) == ({}, 0)
    optimizer.step(parameters, draw(1))
    assert optimizer.steps == 1
    assert optimizer.state.keys() == parameters.keys()
    for key, p in parameters.items():
        assert p is held[key]
        assert (p != before[key]).all()
        assert tuple(optimizer.state[key]) == STATE[name]
        assert all(a.shape == p.shape and a.dtype == p.dtype for a in optimizer.state[key].values())


@every_optimizer
def test_the_order_of_the_names_does_not_matter(name):
    parameters, gradients, optimizer = draw(0), draw(1), Optimizer(name, 0.01)
    turned, other = draw(0), Optimizer(name, 0.01)
    for _ in range(2):
        optimizer.step(parameters, gradients)
        other.step(dict(reversed(turned.items())), dict(sorted(gradients.items())))
    assert_equal(turned, parameters)


@every_optimizer
def test_a_copy_goes_on_like_the_original(name):
    parameters, optimizer = draw(0), Optimizer(name, 0.01)
    optimizer.step(parameters, draw(1))
    again, kept = copy.deepcopy(optimizer), copied(parameters)
    optimizer.step(parameters, draw(2))
    again.step(kept, draw(2))
    assert_equal(kept, parameters)


@every_optimizer
def test_a_quadratic_is_minimised(name):
    parameters, optimizer = draw(0), Optimizer(name, 0.05)
    for step in range(1000):
        optimizer.learning_rate = 0.05 * 0.99**step  # rmsprop never steps by less; their sum is 5
        optimizer.step(parameters, copied(parameters))  # gradient of half the squared norm
    assert max(np.abs(p).max() for p in parameters.values()) < 3 * np.exp(-5)  # plain descent: e^-5 of the start


def test_hyperparameters_reach_the_update():
    slow, fast = draw(0), draw(0)
    optimizers = Optimizer("momentum", 0.01, mu=0.0), Optimizer("momentum", 0.01, mu=0.99)
    for optimizer, parameters in zip(optimizers, (slow, fast), strict=True):
        optimizer.step(parameters, draw(1))
        optimizer.step(parameters, draw(1))
    np.testing.assert_allclose(draw(0)["b_h"] - slow["b_h"], 0.02 * draw(1)["b_h"], atol=1e-15)
    np.testing.assert_allclose(draw(0)["b_h"] - fast["b_h"], 0.0299 * draw(1)["b_h"], atol=1e-15)


@every_optimizer
def test_hyperparameters_can_be_given_in_any_order_and_the_representation_makes_the_same(name):
    hyperparameters = {key: value / 2 for key, value in reversed(HYPERPARAMETERS[name].items())}
    optimizer = Optimizer(name, 0.01, **hyperparameters)
    assert list(optimizer.hyperparameters) == list(HYPERPARAMETERS[name])
    assert repr(eval(repr(optimizer))) == repr(optimizer)


def test_the_representation_reads_well():
    text = "Optimizer('adam', learning_rate=0.001, beta1=0.5, beta2=0.999, epsilon=1e-08)"
    assert repr(Optimizer("adam", 0.001, beta1=0.5)) == text


@pytest.mark.parametrize(
    ("arguments", "hyperparameters", "message"),
    [
        (("adamw", 0.1), {}, r"^name must be one of sgd, momentum, nesterov, rmsprop, adam, got 'adamw'"),
        (("sgd", 0.1), {"mu": 0.9}, r"^hyperparameters of sgd must be none, got mu"),
        (("adam", 0.1), {"mu": 0.9}, r"^hyperparameters of adam must be among beta1, beta2, epsilon, got mu"),
        (("sgd", -0.1), {}, r"^learning_rate must"),
        (("momentum", 0.1), {"mu": 1.0}, r"^mu must"),
        (("rmsprop", 0.1), {"epsilon": 0}, r"^epsilon must"),
        (("adam", 0.1), {"beta2": np.nan}, r"^beta2 must"),
    ],
)
def test_bad_hyperparameters_are_named(arguments, hyperparameters, message):
    with pytest.raises(ValueError, match=message):
        Optimizer(*arguments, **hyperparameters)


def without(arrays, key):
    return {name: a for name, a in arrays.items() if name != key}


def spoiled(arrays, key, array):
    return arrays | {key: array}


BAD = np.array([np.nan, 1, np.inf])
FAULTS = {
    "missing": (draw(0), without(draw(1), "b_h"), r"^gradients must have .*missing: \['b_h'\], unknown: \[\]"),
    "unknown": (draw(0), draw(1) | {"b": BAD}, r"^gradients must have .*missing: \[\], unknown: \['b'\]"),
    "shape": (draw(0), spoiled(draw(1), "b_h", np.ones(4)), r"^gradients\['b_h'\] must be float64 \(3,\)"),
    "dtype": (draw(0), spoiled(draw(1), "b_h", np.ones(3, np.float32)), r"^gradients\['b_h'\] must be float64"),
    "layout": (spoiled(draw(0), "b_h", np.ones(6)[::2]), draw(1), r"^parameters\['b_h'\] must be C-contiguous"),
    "nan": (draw(0), spoiled(draw(1), "b_h", BAD), r"^gradients\['b_h'\] must be finite, got 2 non-finite values of 3"),
}


@every_optimizer
@pytest.mark.parametrize("steps_before", [0, 1])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_and_nothing_has_changed(name, steps_before, fault):
    """The spoiled array is the last one: updates of those before it would show."""
    parameters, gradients, message = FAULTS[fault]
    optimizer = Optimizer(name, 0.01)
    for _ in range(steps_before):
        optimizer.step(draw(3), draw(4))
    before, state = copied(parameters), copy.deepcopy(optimizer.state)
    with pytest.raises(ValueError, match=message):
        optimizer.step(parameters, gradients)
    assert_equal(parameters, before)
    assert optimizer.steps == steps_before
    for key in state:
        assert_equal(optimizer.state[key], state[key])


@every_optimizer
def test_parameters_may_not_change_their_names_or_shapes(name):
    optimizer = Optimizer(name, 0.01)
    optimizer.step(draw(0), draw(1))
    with pytest.raises(ValueError, match=r"^parameters must have the names of the first step, got missing: \['b_h'\]"):
        optimizer.step(without(draw(0), "b_h"), without(draw(1), "b_h"))
    with pytest.raises(ValueError, match=r"^parameters\['b_h'\] must stay float64 \(3,\), got float64 \(4,\)"):
        optimizer.step(spoiled(draw(0), "b_h", np.ones(4)), spoiled(draw(1), "b_h", np.ones(4)))


def test_a_learning_rate_set_to_nonsense_is_named():
    optimizer = Optimizer("sgd", 0.01)
    optimizer.learning_rate = np.nan
    with pytest.raises(ValueError, match=r"^learning_rate must"):
        optimizer.step(draw(0), draw(1))
