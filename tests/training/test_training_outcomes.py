"""The regularizer and the policies inside training, and what becomes of a net that blows up."""

import numpy as np
import pytest
from training_cases import ORDER, Poisoned, Silent, bytes_of, maker, protocol, same

from rnnkit import RNN, reference
from rnnkit.kernels import CELLS, SHRINK, SKIP, ZERO, clip_by_norm
from rnnkit.kernels.regularizer import OMEGA_FORMS
from rnnkit.rng import streams
from rnnkit.training import replicate as of_replicate
from rnnkit.training.loop import train
from rnnkit.training.protocol import BLOCK

EXACT = 1e-10  # 50 updates of float64 carry rounding on
POLICIES = {"skip": SKIP, "zero": ZERO, "shrink": SHRINK}


@pytest.fixture
def lets_pass_what_is_not_finite(monkeypatch):
    """A batch like that is refused before it reaches a kernel, which must stand it all the same."""
    monkeypatch.setattr(of_replicate, "batch_faults", lambda *batch: [])


def looped(make_net, task, length, p, seed=0):
    """Train with `RNN`, the reference of the regularizer and `clip_by_norm`; return (net, values of omega)."""
    rng = streams(seed, 0)
    net, values = make_net(rng.init), []
    W_hh = net.parameters["l0.W_hh"]
    for _ in range(p.updates // BLOCK):
        x, target, _ = task.sample(rng.data, BLOCK * p.batch_size, length)
        for u in range(BLOCK):
            rows = slice(u * p.batch_size, (u + 1) * p.batch_size)
            x_u, target_u = np.ascontiguousarray(x[:, rows]), np.ascontiguousarray(target[0, rows])
            _, gradients, run = net.loss_and_gradients(x_u, target_u, loss=task.loss, hidden=True)
            g, dW_hh = gradients.parameters, gradients.parameters["l0.W_hh"]
            if p.omega:
                arguments = (gradients.hidden["l0"].h, run.layers[0].h, W_hh, CELLS[net.cell.name])
                found = reference.omega(*arguments, OMEGA_FORMS[p.omega_form])
                dW_hh += p.omega * found.dW_hh
                values.append(found.value)
            limit = 1e300 if p.clip is None else p.clip
            clip_by_norm(tuple(g.values()), limit, POLICIES.get(p.nonfinite, SKIP), (dW_hh, W_hh))
            for name, weights in net.parameters.items():
                weights -= p.learning_rate * g[name]
    return net, values


@pytest.mark.parametrize("form", OMEGA_FORMS)
@pytest.mark.parametrize("name", ["basic_tanh", "sigmoid", "irnn"])
def test_the_regularizer_enters_before_the_clip(name, form):
    make_net, p = maker(name, dtype="float64"), protocol(omega=2.0, omega_form=form, clip=0.2)
    (trained,) = train(make_net, ORDER, 11, p)
    net, values = looped(make_net, ORDER, 11, p)
    np.testing.assert_allclose(trained.net.flat, net.flat, rtol=0, atol=EXACT * np.abs(net.flat).max())
    means = np.mean(np.reshape(values, (2, BLOCK)), axis=1)
    np.testing.assert_allclose([row["omega"] for row in trained.history], means, rtol=EXACT)
    assert trained.history[0]["clip_fraction"] > 0
    assert not same(trained, *train(make_net, ORDER, 11, protocol(clip=0.2)))


@pytest.mark.usefixtures("lets_pass_what_is_not_finite")
@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_policy_acts_in_the_update_that_is_not_finite_and_training_goes_on(policy, value):
    p = protocol(nonfinite=policy, clip=0.5, learning_rate=0.5)
    make_net = maker(task=Poisoned(0, 0), dtype="float64")
    (trained,) = train(make_net, Poisoned(30, value), 4, p)
    net, _ = looped(make_net, Poisoned(30, value), 4, p)
    np.testing.assert_allclose(trained.net.flat, net.flat, rtol=0, atol=EXACT)
    assert [row["n_nonfinite"] > 0 for row in trained.history] == [False, True]
    assert (trained.outcome, trained.updates) == ("unsolved", 50)


@pytest.mark.usefixtures("lets_pass_what_is_not_finite")
@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_stop_ends_at_that_update_with_the_weights_before_it(value):
    make_net = maker(task=Poisoned(0, 0), dtype="float64")
    (trained,) = train(make_net, Poisoned(30, value), 4, protocol())
    (before,) = train(make_net, Poisoned(30, value), 4, protocol(nonfinite="skip", updates=50, learning_rate=0.1))
    assert (trained.outcome, trained.updates, trained.first) == ("diverged", 30, None)
    assert "error" not in trained.history[1]
    assert trained.history[1]["n_nonfinite"] > 0
    assert trained.history[0] == before.history[0]
    assert np.isfinite(trained.net.flat).all()


def test_shrink_leaves_frozen_weights_alone():
    make_net = maker("relu")
    for learning_rate in (0.5, 1e30):
        keys = {"nonfinite": "shrink", "frozen": ("l0.W_hh",), "learning_rate": learning_rate}
        (trained,) = train(make_net, ORDER, 10, protocol(**keys))
        start = make_net(streams(0, 0).init).parameters["l0.W_hh"]
        np.testing.assert_array_equal(trained.net.parameters["l0.W_hh"], start)


@pytest.mark.parametrize("learning_rate", [1e15, 1e30, 3e38])
@pytest.mark.parametrize(("name", "keys"), [("relu", {}), ("irnn", {"clip": 1e3}), ("relu", {"omega": 1.0})])
def test_a_net_that_blows_up_at_once_diverged(name, keys, learning_rate):
    """No warning either: pytest makes them errors."""
    (trained,) = train(maker(name), ORDER, 10, protocol(learning_rate=learning_rate, **keys))
    assert (trained.outcome, trained.first, trained.held) == ("diverged", None, None)
    assert trained.updates == trained.history[-1]["update"] <= 3
    assert not {"error", "test_loss", "tested", "passed"} & trained.history[-1].keys()


def test_weights_that_are_not_finite_at_a_check_diverged():
    frozen = ("l0.W_hh", "l0.b_h", "W_hy", "b_y")
    keys = {"learning_rate": 1e10, "updates": BLOCK, "check_size": 90, "frozen": frozen}
    (trained,) = train(maker(task=Silent()), Silent(), 3, protocol(**keys))
    assert (trained.outcome, trained.updates, trained.history[0]["n_nonfinite"]) == ("diverged", BLOCK, 0)
    assert not {"error", "test_loss", "spectral_radius"} & trained.history[0].keys()


def test_a_diverged_net_leaves_the_others_bytes():
    def train_with(n_bad, threads):
        made = []

        def make_net(rng):
            net = RNN(6, 6, 4, cell="relu", output="last", seed=rng)
            start = net.flat.tobytes()
            made.append(start)
            if start == bad:
                net.flat[:] = 1e38
            return net

        bad = RNN(6, 6, 4, cell="relu", output="last", seed=streams(0, n_bad).init).flat.tobytes()
        return train(make_net, ORDER, 10, protocol(), replicates=4, threads=threads)

    plain, one, two = train_with(9, 1), train_with(1, 1), train_with(1, 2)
    assert [net.outcome == "diverged" for net in one] == [False, True, False, False]
    for i in (0, 2, 3):
        assert same(plain[i], one[i])
    assert [bytes_of(net) for net in one] == [bytes_of(net) for net in two]
