"""Every option changes a result; what cannot be combined, and what does not fit, is refused by name."""

import inspect

import numpy as np
import pytest
from nets import B, H, I, O, T, make

from rnnkit import RNN
from rnnkit.cells import CELLS
from rnnkit.networks.by_state import State

GIVEN = np.random.default_rng(3).standard_normal((H, H))
TOGETHER = "cannot be combined with"
# Of each option two values, and what must stand beside them for the option to have a place.
CONSTRUCTOR = {
    "input_size": (2, 3, {}),
    "hidden_size": (3, 4, {}),
    "output_size": (2, None, {"hidden_size": 2}),
    "cell": ("tanh", "sigmoid", {}),
    "layers": (1, 2, {}),
    "bidirectional": (False, True, {}),
    "output": ("every", "last", {}),
    "initializer": ("glorot", GIVEN, {}),
    "spectral_radius": (None, 1.2, {}),
    "gain": (None, 1.2, {}),
    "fan_in": (1, 2, {"initializer": "sparse"}),
    "forget_bias": (None, 1.0, {"cell": "lstm"}),
    "chrono": (None, 10, {"cell": "gru"}),
    "parametrization": (None, "antisymmetric", {}),
    "dtype": ("float32", "float64", {}),
    "seed": (0, 1, {}),
}
LOSS = {
    "x": (np.zeros((T, B, I)), np.ones((T, B, I)), {}),
    "target": (np.zeros((T, B, O)), np.ones((T, B, O)), {}),
    "loss": ("mse", "sigmoid", {}),
    "mask": (None, np.arange(T * B).reshape(T, B) % 2 == 0, {}),
    "state": (None, State(h=np.ones((1, B, H))), {}),
    "lengths": (None, [5, 2, 3], {}),
    "truncation": (None, (1, 2), {}),
    "hidden": (False, True, {}),
    "checkpointing": (False, True, {}),  # less is kept
}


def options_of(function):
    return set(inspect.signature(function).parameters) - {"self"}


def outcome(**options):
    """Return all bytes that a net made with these options gives for one batch."""
    net = RNN(**{"input_size": 2, "hidden_size": 3, "output_size": 2} | options)
    x = np.random.default_rng(1).standard_normal((T, B, net.input_size)).astype(net.dtype)
    trace = net.forward(x)
    gradients = net.backward(trace, np.ones_like(trace.y))
    return trace.y.tobytes() + gradients.flat.tobytes() + gradients.dx.tobytes()


@pytest.mark.parametrize("name", CONSTRUCTOR)
def test_every_option_of_the_constructor_changes_a_result(name):
    one, other, beside = CONSTRUCTOR[name]
    found = [outcome(**beside | {name: value}) for value in (one, other, one)]
    assert found[0] != found[1]
    assert found[0] == found[2]


@pytest.mark.parametrize("name", LOSS)
def test_every_option_of_the_loss_changes_a_result(name):
    net, x, _ = make()
    one, other, beside = LOSS[name]
    found = []
    for value in (one, other, one):
        arguments = {"x": x, "target": np.full((T, B, O), 0.5)} | beside | {name: value}
        loss, gradients, trace = net.loss_and_gradients(**arguments)
        found.append((loss, gradients.flat.tobytes(), gradients.hidden.keys(), trace.h.shape))
    assert found[0] != found[1]
    assert found[0] == found[2]


def test_no_option_is_left_out():
    assert CONSTRUCTOR.keys() == options_of(RNN)
    assert LOSS.keys() == options_of(RNN.loss_and_gradients)
    forward, backward = options_of(RNN.forward), options_of(RNN.backward)
    assert (forward | backward) - LOSS.keys() == {"trace", "dy", "dstate"}  # see the gradients of the last states


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 0}, "^input_size must be an integer >= 1, got 0"),
        ({"hidden_size": 2.0}, r"^hidden_size must be an integer >= 1, got 2\.0"),
        ({"layers": True}, r"^layers must be an integer in 1\.\.10000, got True"),
        ({"output_size": -1}, "^output_size must be an integer >= 1, got -1"),
        ({"cell": "rnn"}, f"^cell must be .*one of {', '.join(CELLS)}, got 'rnn'"),
        ({"output": "all"}, "^output must be one of every, last, got 'all'"),
        ({"dtype": "float16"}, "^dtype must be float32 or float64, got 'float16'"),
        ({"dtype": None}, "^dtype must be float32 or float64, got None"),
        ({"initializer": "he"}, "^initializer must be one of glorot, .* or an array, got 'he'"),
        ({"initializer": [[1.0]]}, "^initializer must be one of glorot, .* or an array, got"),
        ({"initializer": GIVEN[1:]}, r"^initializer must have shape \(3, 3\), got \(2, 3\)"),
        ({"initializer": GIVEN, "cell": "lstm"}, r"^initializer must have shape \(3, 12\), got \(3, 3\)"),
        ({"initializer": GIVEN, "gain": 2.0}, rf"^gain=2\.0 {TOGETHER} initializer=\(3, 3\) float64: it is for drawn"),
        ({"initializer": GIVEN, "fan_in": 2}, rf"^fan_in=2 {TOGETHER} initializer=\(3, 3\) float64: it is for drawn"),
        ({"initializer": GIVEN, "cell": "lru"}, rf"^initializer=.* {TOGETHER} cell=lru: it has no W_hh"),
        ({"initializer": "sparse", "fan_in": 2, "cell": "lru"}, rf"^fan_in=2 {TOGETHER} cell=lru: it has no W_hh"),
        ({"spectral_radius": 1.0, "gain": 2.0}, rf"^spectral_radius=1\.0 {TOGETHER} gain=2\.0: both set the scale"),
        ({"spectral_radius": 0.0}, r"^spectral_radius must be a finite number > 0, got 0\.0"),
        ({"spectral_radius": np.nan}, "^spectral_radius must be a finite number > 0, got nan"),
        ({"gain": -1.0}, r"^gain must be a finite number > 0, got -1\.0"),
        ({"fan_in": 2}, rf"^fan_in=2 {TOGETHER} initializer='glorot': it is for initializer='sparse'"),
        ({"initializer": "sparse", "fan_in": 4}, r"^fan_in must be an integer in 1\.\.3, got 4"),
        ({"forget_bias": 1.0, "cell": "relu"}, r"^forget_bias=1\.0 cannot be combined with cell=relu"),
        ({"chrono": 10}, "^chrono=10 cannot be combined with cell=tanh: it has no gate that keeps the state"),
        ({"chrono": 10, "cell": "lstm", "forget_bias": 1.0}, rf"^chrono=10 {TOGETHER} forget_bias=1\.0: both set"),
        ({"chrono": 2, "cell": "lstm"}, "^chrono must be an integer in 3..1000000000000000, got 2"),
        ({"chrono": 9.5, "cell": "gru"}, r"^chrono must be an integer in 3..1000000000000000, got 9\.5"),
        ({"chrono": 10**400, "cell": "gru"}, "^chrono must be an integer in 3..1000000000000000, got 1000"),
        ({"spectral_radius": 1e-300}, "^spectral_radius must give weights that float32 can hold, got 1e-300"),
        ({"initializer": np.eye(3) * 1e-60}, "^initializer must hold numbers that float32 can hold"),
        (
            {"initializer": np.array([[1.0, 1, 0], [-1, -1, 0], [0, 0, 0]]), "spectral_radius": 1.0},
            "^initializer must have an eigenvalue other than 0",
        ),
        ({"gain": 1e-300}, "^gain must give weights that float32 can hold, got 1e-300"),
        (
            {"initializer": np.zeros((3, 3)), "spectral_radius": 1.0},
            "^initializer must have an eigenvalue other than 0 to get spectral radius 1.0",
        ),
        ({"seed": -1}, "^seed must be an integer >= 0 or a numpy.random.Generator, got -1"),
    ],
    ids=str,
)
def test_what_has_no_place_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        RNN(**{"input_size": 2, "hidden_size": 3} | options)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (
            lambda rng, H: np.ones(H + 1),
            r"^l0\.u, of the cell's per_unit, must begin as a number or \(3,\), got \(4,\)",
        ),
        (lambda rng, H: "1", r"^l0\.u, of the cell's per_unit, must begin as a number or \(3,\), got \(\) <U1"),
        (1e300, r"^l0\.u must begin as finite numbers in float32, got \(\) float64"),
    ],
)
def test_what_a_trained_number_of_a_unit_cannot_begin_as_is_told(first, message):
    cell = type("Started", (CELLS["indrnn"],), {"per_unit": {"u": first}})
    with pytest.raises(ValueError, match=message):
        RNN(2, H, cell=cell)
