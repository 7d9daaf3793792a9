"""Training without the interpreter gives what a loop over `RNN`, `clip_by_norm` and `Optimizer` gives."""

import numpy as np
import pytest
from training_cases import SWITCHES

from rnnkit import RNN
from rnnkit.kernels import SKIP, clip_by_norm, clip_by_value
from rnnkit.networks import recipes
from rnnkit.rng import streams
from rnnkit.tasks import TASKS
from rnnkit.training.loop import train
from rnnkit.training.optimizers import OPTIMIZERS, Optimizer
from rnnkit.training.protocol import BLOCK, Protocol

UPDATES = 2 * BLOCK
EXACT = {"float64": 1e-10, "float32": 2e-3}  # 50 updates carry rounding on; in float32 by up to 1e4 roundings
ORDER, ADDING, COPYING = TASKS["temporal_order"], TASKS["adding_le"], TASKS["copying"]


def looped(make_net, task, length, protocol, seed):
    """Train one net update by update, from the same draws."""
    rng = streams(seed, 0)
    net = make_net(rng.init)
    optimizer, norms = Optimizer(protocol.optimizer, protocol.learning_rate, **protocol.hyperparameters), []
    for _ in range(protocol.updates // BLOCK):
        x, target, mask = task.sample(rng.data, BLOCK * protocol.batch_size, length)
        for u in range(BLOCK):
            rows = slice(u * protocol.batch_size, (u + 1) * protocol.batch_size)
            update(net, task, x[:, rows], target[:, rows], mask if mask is None else mask[:, rows], protocol, norms)
            optimizer.step(net.parameters, net.last)
    return net, norms


def update(net, task, x, target, mask, protocol, norms):
    x, target = (np.ascontiguousarray(a if a.dtype == np.int64 else a.astype(net.dtype)) for a in (x, target))
    mask = None if mask is None else np.ascontiguousarray(mask)
    if task.output == "last":
        target, mask = target[0], None if mask is None else mask[0]
    gradients = net.loss_and_gradients(x, target, loss=task.loss, mask=mask).gradients.parameters
    if task.loss == "sigmoid":  # the sum over outputs, which the kernel has the mean of
        gradients = {name: task.output_size * g for name, g in gradients.items()}
    for name in protocol.frozen:
        gradients[name][:] = 0
    clip = clip_by_norm if protocol.clip_mode == "norm" else clip_by_value
    limit = 1e30 if protocol.clip is None else protocol.clip
    norms.append(clip(tuple(gradients.values()), limit, SKIP).norm)
    net.last = gradients


CASES = {
    "tanh, last, symbols": ("basic_tanh", ORDER, 12, {"clip": 1.0}, {}),
    "adding, last, numbers": ("irnn", ADDING, 15, {"clip": 0.1, "clip_mode": "value"}, {}),
    "copying, every, masked": ("lstm", COPYING, 4, {"optimizer": "adam"}, {}),
    "switches, every, sigmoid": ("gru", SWITCHES, 9, {"clip": 0.5}, {}),
    "gru, rmsprop": ("gru", ORDER, 10, {"optimizer": "rmsprop", "learning_rate": 1e-3}, {}),
    "frozen": ("tanh_frozen", ORDER, 10, {"frozen": ("l0.W_hh",)}, {}),
    "momentum": ("sutskever", ORDER, 10, {"optimizer": "momentum", "hyperparameters": {"mu": 0.5}}, {}),
    "nesterov": ("sigmoid", ORDER, 10, {"optimizer": "nesterov"}, {}),
}
DEEP = {
    "stacked": ({"layers": 3}, ORDER),
    "both directions": ({"bidirectional": True}, ORDER),
    "both directions, stacked, every": ({"bidirectional": True, "layers": 2, "cell": "lstm"}, COPYING),
    "gru, both directions, numbers": ({"bidirectional": True, "cell": "gru"}, ADDING),
}


def compare(make_net, task, length, keys, dtype):
    protocol = Protocol(updates=UPDATES, check_every=UPDATES, check_size=50, batch_size=6, **keys)
    (trained,) = train(make_net, task, length, protocol, seed=3)
    net, norms = looped(make_net, task, length, protocol, 3)
    scale = np.abs(net.flat).max()
    np.testing.assert_allclose(trained.net.flat, net.flat, rtol=0, atol=scale * EXACT[dtype])
    assert trained.history[0]["log10_grad_norm"] == pytest.approx(np.mean(np.log10(norms)), abs=EXACT[dtype])
    assert trained.history[0]["largest_grad_norm"] == pytest.approx(np.max(norms), rel=EXACT[dtype])
    assert np.abs(net.flat - make_net(streams(3, 0).init).flat).max() > 1e-3 * scale  # something was learned


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_training_is_the_loop_over_networks(case, dtype):
    name, task, length, keys, _ = CASES[case]

    def make_net(rng):
        shape = (name, task.input_size, 18, task.output_size, rng)
        return recipes.make(*shape, output=task.output, dtype=dtype)

    compare(make_net, task, length, keys, dtype)


@pytest.mark.parametrize("case", DEEP)
def test_training_of_stacks_and_of_both_directions(case):
    options, task = DEEP[case]

    def make_net(rng):
        shape = (task.input_size, 7, task.output_size)
        return RNN(*shape, output=task.output, dtype="float64", seed=rng, **options)

    compare(make_net, task, 12 if task is ORDER else 5, {"clip": 1.0}, "float64")


def test_every_optimizer_is_compared():
    assert {keys.get("optimizer", "sgd") for _, _, _, keys, _ in CASES.values()} == set(OPTIMIZERS)
