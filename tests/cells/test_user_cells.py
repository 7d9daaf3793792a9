"""Networks of every cell, six that are not shipped among them, against torch's autograd of their steps in float64."""

import numpy as np
import pytest
from cell_cases import EVERY, MinGRU, random_cells
from hypothesis import given, settings
from nets import H, I, draw_like, make

from rnnkit.gradients.gradcheck import check_network
from rnnkit.networks.by_state import State
from rnnkit.networks.truncation import windows

CLOSE = 1e-10  # relative to the largest gradient
DIFFERENCES = 1e-7  # 4th-order differences of a loss over 4 steps, relative
SINGLE = 2e-4  # float32 against float64, relative: 6 steps of random weights of deviation .6
OPTIONS = (
    {},
    {"layers": 2, "bidirectional": True},
    {"lengths": True, "layers": 2},
    {"lengths": True, "bidirectional": True, "B": 18},
    {"output_size": None, "T": 1, "B": 1},
    {"B": 17, "T": 9},
)


@pytest.fixture
def peer():
    pytest.importorskip("torch", reason="torch is in the test extra")
    import torch_cells

    return torch_cells


def found_of(net, x, given, dy, dstate, **options):
    trace = net.forward(x, **given)
    back = net.backward(trace, dy, dstate, hidden=True, **options)
    states = {f"state.{name}": a for name, a in back.state.asdict().items()}
    return trace, back.parameters | {"dx": back.dx} | states


def assert_close(found, wanted):
    largest = max(np.abs(a).max(initial=0) for a in wanted.values())
    for name, a in wanted.items():
        np.testing.assert_allclose(found[name], a, rtol=0, atol=CLOSE * max(1, largest), err_msg=name)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("cls", EVERY)
def test_every_gradient_is_that_of_autograd(peer, cls, options):
    net, x, given_ = make(cls, **options)
    shape = net.forward(x, **given_)
    dy, dstate = draw_like(shape.y), State(**{n: draw_like(a, 3) for n, a in shape.state.asdict().items()})
    trace, found = found_of(net, x, given_, dy, dstate)
    y, wanted = peer.gradients(net, x, given_["state"], dy, dstate, given_.get("lengths"))
    np.testing.assert_allclose(trace.y, y, rtol=0, atol=CLOSE)
    assert_close(found, wanted)


@pytest.mark.parametrize("cls", EVERY)
def test_truncated_gradients_are_those_of_windows(peer, cls):
    net, x, given_ = make(cls, T=7, layers=2)
    trace = net.forward(x, **given_)
    dy, total = draw_like(trace.y), {name: 0.0 for name in net.parameters}
    for start, first_loss, end in windows(7, 2, 4):
        state = net.forward(x[:start], **given_).state if start else given_["state"]
        of_window = np.where(np.arange(start, end)[:, None, None] >= first_loss, dy[start:end], 0)
        _, found = peer.gradients(net, x[start:end], state, of_window)
        total = {name: total[name] + found[name] for name in total}
    assert_close(net.backward(trace, dy, truncation=(2, 4)).parameters, total)


@pytest.mark.parametrize("cls", EVERY)
def test_symbols_are_one_hot_rows(cls):
    net, x, given_ = make(cls, symbols=True, B=17, layers=2)
    one_hot = np.eye(I)[x]
    dy = draw_like(net.forward(x, **given_).y)
    traces = [found_of(net, inputs, given_, dy, None) for inputs in (x, one_hot)]
    np.testing.assert_allclose(traces[0][0].y, traces[1][0].y, rtol=0, atol=CLOSE)
    assert_close(
        {n: a for n, a in traces[0][1].items() if n != "dx"}, {n: a for n, a in traces[1][1].items() if n != "dx"}
    )


@pytest.mark.parametrize("cls", EVERY)
def test_float32_is_near_float64(cls):
    net, x, given_ = make(cls, B=18, T=6)
    half, of_half = (lambda a: a.astype(np.float32)), make(cls, B=18, T=6, dtype="float32")[0]
    of_half.flat[:] = net.flat
    state = State(**{name: half(a) for name, a in given_["state"].asdict().items()})
    dy = draw_like(net.forward(x, **given_).y)
    _, wanted = found_of(net, x, given_, dy, None)
    _, found = found_of(of_half, half(x), {"state": state}, half(dy), None)
    for name, a in wanted.items():
        np.testing.assert_allclose(found[name], a, rtol=0, atol=SINGLE * max(1, np.abs(a).max()), err_msg=name)


@settings(max_examples=8)
@given(random_cells())
def test_random_cells_against_differences(cls):
    net, x, given_ = make(cls, T=4, B=2)
    target = draw_like(net.forward(x, **given_).y)
    errors = check_network(net, x, target, state=given_["state"])
    assert max(errors.values()) < DIFFERENCES, errors


def test_a_cell_without_recurrence_refuses_what_would_scale_it():
    with pytest.raises(ValueError, match=r"cannot be combined with cell=MinGRU: it has no W_hh"):
        make(MinGRU, spectral_radius=1.0)
    assert "l0.W_hh" not in make(MinGRU)[0].parameters
    assert make(MinGRU)[0].parameters["l0.W_xh"].shape[1] // 2 == H
