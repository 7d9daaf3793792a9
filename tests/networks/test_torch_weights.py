"""Weights exchanged with torch: there and back, and both libraries' outputs and gradients for the same weights."""

import numpy as np
import pytest
from nets import B, H, I, T, assert_close, draw_like, draw_state, make, one_or_both

from rnnkit.networks.torch_weights import from_torch, to_torch

torch = pytest.importorskip("torch", reason="torch is in the bench extra")

TWO_LIBRARIES = 1e-12  # float64: another tanh and another order of at most 60 additions, relative to the largest
MODULES = {"tanh": "RNN", "relu": "RNN", "lstm": "LSTM", "gru": "GRU"}
every_module = pytest.mark.parametrize("cell", MODULES)
some_depth = pytest.mark.parametrize("layers", [1, 3])


def module_like(net):
    more = {"nonlinearity": net.cell.name} if MODULES[net.cell.name] == "RNN" else {}
    shape = {"num_layers": net.layers, "bidirectional": net.bidirectional, "dtype": torch.float64}
    return getattr(torch.nn, MODULES[net.cell.name])(I, net.hidden_size, **shape, **more)


def load(module, net):
    module.load_state_dict({k: torch.from_numpy(v) for k, v in to_torch(net).items()})
    return module


def torchs(module, x, state, dy, dstate, lengths):
    """Return torch's outputs, last states, and gradients of x and the first states, under rnnkit's names."""
    x, *state = (torch.tensor(a, requires_grad=True) for a in (x, *(a for a in state if a is not None)))
    first = tuple(state) if len(state) == 2 else state[0]
    packed = x
    if lengths is not None:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.from_numpy(lengths), enforce_sorted=False)
    y, last = module(packed, first)
    if lengths is not None:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=T)
    last = last if len(state) == 2 else (last,)
    upstream = [torch.from_numpy(d) for d in (dy, *(d for d in dstate if d is not None))]
    sum((a * d).sum() for a, d in zip((y, *last), upstream, strict=True)).backward()
    found = {"y": y.detach(), "dx": x.grad}
    found |= {f"last.{k}": a.detach() for k, a in zip("hc", last, strict=False)}
    found |= {f"first.{k}": a.grad for k, a in zip("hc", state, strict=False)}
    return {name: a.numpy() for name, a in found.items()}


def check_against_torch(cell, layers, bidirectional, lengths):
    net, x, given = make(cell, layers=layers, bidirectional=bidirectional, output_size=None, lengths=lengths)
    trace, dstate = net.forward(x, **given), draw_state(net, B, np.random.default_rng(2))
    dy = draw_like(trace.y)
    back, module = net.backward(trace, dy, dstate), load(module_like(net), net)
    expected = torchs(module, x, given["state"], dy, dstate, given.get("lengths"))
    got = {"y": trace.y, "dx": back.dx, "last.h": trace.state.h, "first.h": back.state.h}
    got |= {"last.c": trace.state.c, "first.c": back.state.c} if cell == "lstm" else {}
    assert_close(got, expected, TWO_LIBRARIES)
    ours = make(cell, layers=layers, bidirectional=bidirectional, output_size=None)[0]
    ours.flat[:] = back.flat
    theirs = {name: parameter.grad.numpy() for name, parameter in module.named_parameters()}
    assert_close(*map(without_second_bias, (to_torch(ours), theirs), (cell, cell)), TWO_LIBRARIES)


def without_second_bias(gradients, cell):
    """Both biases have one gradient where they meet: keep the first, and a GRU's b_hn."""
    kept = {name: g for name, g in gradients.items() if "bias_hh" not in name}
    return kept | {name: g[2 * H :] for name, g in gradients.items() if "bias_hh" in name and cell == "gru"}


@every_module
@some_depth
@one_or_both
def test_outputs_and_gradients_are_torchs(cell, layers, bidirectional):
    check_against_torch(cell, layers, bidirectional, lengths=False)


@every_module
@some_depth
@one_or_both
def test_shorter_rows_are_torchs_packed_sequences(cell, layers, bidirectional):
    check_against_torch(cell, layers, bidirectional, lengths=True)


@every_module
@one_or_both
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_there_and_back(cell, bidirectional, dtype):
    net, other = (make(cell, layers=2, bidirectional=bidirectional, dtype=dtype)[0] for _ in range(2))
    other.flat[:] = -1
    there = to_torch(net)
    assert {a.dtype for a in there.values()} == {net.dtype}
    from_torch(other, there)
    for name, array in net.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], -1 if name in ("W_hy", "b_y") else array, name)
    for array in there.values():
        array[:] = 0
    assert net.flat.all()  # they were copies


@every_module
def test_torchs_own_weights_are_taken_with_both_biases(cell):
    net, x, given = make(cell, layers=2, bidirectional=True, output_size=None)
    torch.manual_seed(0)
    module = module_like(net)
    for source in (module.state_dict(), dict(module.named_parameters())):  # the second are of torch's graph
        net.flat[:] = 0
        from_torch(net, source)
        trace = net.forward(x, **given)
        expected = torchs(module, x, given["state"], trace.y, trace.state, None)["y"]
        assert_close({"y": trace.y}, {"y": expected}, TWO_LIBRARIES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("bias_hh_l1"), "^state_dict must have the entries of the network, got no bias_hh_l1"),
        (lambda s: s.update(weight_hr_l0=s["bias_ih_l0"]), "^state_dict must have .*, got an unknown weight_hr_l0"),
        (
            lambda s: s.update(bias_ih_l1=s["bias_ih_l1"][1:]),
            r"^state_dict's bias_ih_l1 must have shape \(9,\), got \(8,\)",
        ),
        (
            lambda s: s.update(weight_ih_l0=s["weight_ih_l0"].T),
            r"^state_dict's weight_ih_l0 must .*\(9, 2\), got \(2, 9\)",
        ),
    ],
)
def test_an_entry_that_does_not_fit_is_named_and_nothing_is_changed(change, message):
    net, *_ = make("gru", layers=2)
    state_dict, before = to_torch(net), net.flat.copy()
    state_dict = {name: 0 * a for name, a in state_dict.items()}
    change(state_dict)
    with pytest.raises(ValueError, match=message):
        from_torch(net, state_dict)
    np.testing.assert_array_equal(net.flat, before)


@pytest.mark.parametrize("cell", ["sigmoid", "identity"])
def test_a_cell_that_torch_does_not_have_is_refused(cell):
    net, *_ = make(cell)
    for call in (lambda: to_torch(net), lambda: from_torch(net, {})):
        with pytest.raises(ValueError, match=f"^cell must be one of tanh, relu, lstm, gru .* got {cell}"):
            call()


def test_weights_that_are_made_of_free_ones_are_not_replaced():
    net = make("tanh", parametrization="orthogonal")[0]
    with pytest.raises(
        ValueError, match=r"^net must have no parametrization to take weights as they are, got RNN\(tanh"
    ):
        from_torch(net, {})
