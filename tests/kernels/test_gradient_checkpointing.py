"""BPTT from checkpoints gives every byte of the plain one, and keeps about sqrt(T) states."""

import numpy as np
import pytest
from pairs import every_pair

from rnnkit.kernels import ACTIVATIONS, TANH, rnn_backward, rnn_forward
from rnnkit.kernels.gradient_checkpointing import rnn_backward_checkpointed, rnn_forward_checkpointed

I = 3  # noqa: E741
EXTRA = 2  # the state at the end, and the segment cut short


@pytest.fixture
def make_inputs(make_net):
    """Build (net, dh); x is floats (T, B, I) or symbols (T, B)."""

    def make(T=130, B=20, H=7, dtype=np.float64, symbols=False):
        net, dh = make_net(T=T, B=B, I=I, H=H, dtype=dtype)
        return (net._replace(x=np.random.default_rng(1).integers(0, I, (T, B))) if symbols else net), dh

    return make


def assert_same_bytes(net, dh, activation):
    h, checkpoints = rnn_forward(*net, activation), rnn_forward_checkpointed(*net, activation)
    assert checkpoints[0].tobytes() == net.h_0.tobytes()
    assert checkpoints[-1].tobytes() == h[-1].tobytes()
    for gradient in (dh, dh[-1]):  # at every step, at the last alone
        plain = rnn_backward(gradient, net.x, h, net.W_xh, net.W_hh, activation)
        again = rnn_backward_checkpointed(gradient, net.x, checkpoints, net.W_xh, net.W_hh, net.b_h, activation)
        for name, a in again._asdict().items():
            p = getattr(plain, name)
            assert (name, a.dtype, a.shape) == (name, p.dtype, p.shape)
            assert a.tobytes() == p.tobytes(), name


@every_pair(
    {
        "T": [1, 2, 130, 700],  # one row has chunks of 128 steps, 3 rows of 42, 20 rows of 12
        "B": [1, 3, 20],  # 20 rows are two shards
        "H": [1, 7, 33],
        "dtype": [np.float32, np.float64],
        "symbols": [False, True],
    }
)
def test_every_byte_is_that_of_the_plain_form(make_inputs, T, B, H, dtype, symbols):
    assert_same_bytes(*make_inputs(T, B, H, dtype, symbols), TANH)


@pytest.mark.parametrize("B", [3, 20])
@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=ACTIVATIONS)
def test_every_activation_is_computed_again_to_the_byte(make_inputs, activation, B):
    assert_same_bytes(*make_inputs(B=B), activation)


@pytest.mark.parametrize("B", [1, 3, 8, 20, 65])
@pytest.mark.parametrize("T", [1, 2, 11, 12, 13, 128, 129, 130, 700, 1000])
def test_about_as_many_states_are_kept_as_the_root_of_the_steps(make_inputs, T, B):
    net, _ = make_inputs(T, B)
    checkpoints = rnn_forward_checkpointed(*net, TANH)
    assert len(checkpoints) <= np.sqrt(T) + EXTRA
    states = [state.tobytes() for state in rnn_forward(*net, TANH)]
    kept = [states.index(state.tobytes()) for state in checkpoints]
    assert (kept[0], kept[-1]) == (0, T)
    assert len(set(np.diff(kept[1:]))) <= 1  # all segments but the first have one length
    assert np.diff(kept).min() > 0


def test_inputs_are_left_alone(make_inputs):
    net, dh = make_inputs()
    arrays = (*net, dh, rnn_forward_checkpointed(*net, TANH))
    before = [a.copy() for a in arrays]
    rnn_backward_checkpointed(dh, net.x, arrays[-1], *net[2:], TANH)
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("wrong", [lambda c: c[1:], lambda c: np.concatenate([c, c])], ids=["fewer", "more"])
def test_a_wrong_number_of_checkpoints_is_named(make_inputs, wrong):
    net, dh = make_inputs()
    checkpoints = rnn_forward_checkpointed(*net, TANH)
    with pytest.raises(ValueError, match=rf"^checkpoints must have {len(checkpoints)} states"):
        rnn_backward_checkpointed(dh, net.x, wrong(checkpoints), *net[2:], TANH)


BROKEN = {
    "rank": lambda a: a[None, None],
    "empty": lambda a: a[:0],
    "dtype": lambda a: a.astype(int),
    "layout": lambda a: np.flip(a, -1),
    "list": lambda a: a.tolist(),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_bad_array_is_named(make_inputs, how):
    net, dh = make_inputs()
    forward = net._asdict()
    backward = dict(dh=dh, x=net.x, checkpoints=rnn_forward_checkpointed(*net, TANH), W_xh=net.W_xh, W_hh=net.W_hh)
    backward["b_h"] = net.b_h
    for function, arguments in ((rnn_forward_checkpointed, forward), (rnn_backward_checkpointed, backward)):
        for name, array in arguments.items():
            with pytest.raises(ValueError, match=rf"^{name} must"):
                function(**arguments | {name: BROKEN[how](array)}, activation=TANH)
        with pytest.raises(ValueError, match=r"^activation must be one of TANH=0"):
            function(**arguments, activation=4)
