"""What a run keeps is its own, and of the weights it was made with: nothing done later changes a gradient."""

import copy
import pickle

import numpy as np
import pytest
from nets import CELLS, B, I, O, T, assert_same_bytes, draw_like, draw_state, everything, make

from rnnkit import RNN, EncoderDecoder
from rnnkit.gradients.jacobians import jacobian_product, step_jacobian
from rnnkit.gradients.log_norms import hidden_log_norms, hidden_of_step, loss_by_state
from rnnkit.gradients.lyapunov import lyapunov_exponents
from rnnkit.networks import forward as of_forward

STALE = r"^trace must be of the net's present weights, got one of earlier weights: run forward again"


def spoil(*arrays):
    """Write into arrays what no kernel may meet: symbols far outside, numbers that are none."""
    for array in arrays:
        array[...] = 10**12 if array.dtype.kind == "i" else np.nan


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("symbols", [False, True], ids=["numbers", "symbols"])
@pytest.mark.parametrize("output", ["every", "last"])
def test_a_run_keeps_nothing_of_its_callers(cell, symbols, output):
    net, x, given = make(cell, layers=2, symbols=symbols, lengths=True, output=output)
    trace = net.forward(x, **given)
    dy = draw_like(trace.y)
    expected = everything(trace, net.backward(trace, dy, hidden=True))
    expected = {name: a.copy() for name, a in expected.items()}
    log_norms = hidden_log_norms(net, trace, dy)["l0"].h
    spoil(x, given["lengths"], *given["state"])
    assert_same_bytes(everything(trace, net.backward(trace, dy, hidden=True)), expected)
    np.testing.assert_array_equal(hidden_log_norms(net, trace, dy)["l0"].h, log_norms)


@pytest.mark.parametrize("cell", ["tanh", "lstm"])
@pytest.mark.parametrize("sizes", [{"output": "every"}, {"output": "last"}, {"output_size": None}], ids=str)
def test_what_a_run_hands_out_to_change_is_not_read_again(cell, sizes):
    net, x, given = make(cell, lengths=True, **sizes)
    trace = net.forward(x, **given)
    dy = draw_like(trace.y)
    expected = net.backward(trace, dy).flat.copy()
    spoil(trace.y, *trace.state)
    np.testing.assert_array_equal(net.backward(trace, dy).flat, expected)


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
def test_what_backward_reads_is_read_only(cell):
    net, x, given = make(cell, layers=2, lengths=True)
    trace = net.forward(x, **given)
    shown = [
        trace.h,
        trace.x,
        trace.lengths,
        *(a for layer in trace.layers for a in (layer.x, layer.h, *layer.inside[0])),
    ]
    for array in shown:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_a_callers_array_that_changes_during_the_call_is_not_met(monkeypatch):
    net, x, _ = make(symbols=True, state=False)
    expected = net.forward(x).y
    forward = of_forward.forward_layer

    def late(*arguments):
        spoil(x)
        return forward(*arguments)

    monkeypatch.setattr(of_forward, "forward_layer", late)
    np.testing.assert_array_equal(net.forward(x).y, expected)


def test_a_dy_is_measured_by_the_run_not_by_what_became_of_its_outputs():
    net, x, _ = make(output_size=None)
    trace = net.forward(x)
    longer = trace._replace(y=np.ones((2 * T, B, net.features)))
    with pytest.raises(ValueError, match=r"^dy must be shaped as trace\.y, \(5, 3, 3\) float64, got \(10, 3, 3\)"):
        net.backward(longer, longer.y)


USES = {
    "backward": lambda net, trace, dy: net.backward(trace, dy),
    "loss": lambda net, trace, dy: net.loss(trace, dy),
    "hidden_log_norms": hidden_log_norms,
    "loss_by_state": loss_by_state,
    "hidden_of_step": lambda net, trace, dy: hidden_of_step(net, trace, dy, 1),
    "step_jacobian": lambda net, trace, dy: step_jacobian(net, trace, 1),
    "jacobian_product": lambda net, trace, dy: jacobian_product(net, trace, 1, 2),
    "lyapunov_exponents": lambda net, trace, dy: lyapunov_exponents(net, trace),
}
MOVES = {
    "by a view": lambda net: net.parameters["W_hy"].__setitem__((0, 0), 7),
    "all": lambda net: net.flat.__imul__(0.5),
    "last bit": lambda net: net.flat.view(np.uint64).__setitem__(3, net.flat.view(np.uint64)[3] ^ 1),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("move", MOVES)
def test_a_run_is_refused_once_a_weight_has_changed(use, move):
    net, x, _ = make()
    trace, kept = net.forward(x), net.flat.copy()
    dy = draw_like(trace.y)
    USES[use](net, trace, dy)
    MOVES[move](net)
    with pytest.raises(ValueError, match=STALE):
        USES[use](net, trace, dy)
    net.flat[:] = kept
    USES[use](net, trace, dy)


@pytest.mark.parametrize("use", USES)
def test_a_run_of_a_net_of_the_same_shape_is_refused(use):
    net, another = RNN(I, 3, O, dtype="float64"), RNN(I, 3, O, dtype="float64", seed=1)
    trace = another.forward(np.ones((T, B, I)))
    with pytest.raises(ValueError, match=STALE):
        USES[use](net, trace, np.ones_like(trace.y))


def test_weights_that_are_nan_are_still_the_same():
    net, x, _ = make()
    net.flat[5] = np.nan
    trace = net.forward(x)
    assert np.isnan(net.backward(trace, np.ones_like(trace.y)).flat).any()


def test_copies_of_runs_and_nets_go_together():
    net, x, _ = make("lstm", layers=2)
    trace = net.forward(x)
    expected = net.backward(trace, trace.y).flat
    for again, other in ((copy.deepcopy(net), trace), (net, pickle.loads(pickle.dumps(trace)))):
        np.testing.assert_array_equal(again.backward(other, trace.y).flat, expected)


@pytest.mark.parametrize("name", RNN.FIXED)
def test_what_weights_are_laid_out_by_cannot_be_replaced(name):
    net = RNN(2, 3, 1)
    before = getattr(net, name)
    with pytest.raises(AttributeError, match=rf"^{name} of RNN\(tanh, 2 -> 3 -> 1, .*\) cannot be replaced"):
        setattr(net, name, np.zeros(3) if name == "flat" else object())
    with pytest.raises(AttributeError, match=f"^{name} of RNN"):
        delattr(net, name)
    assert getattr(net, name) is before


@pytest.mark.parametrize("name", EncoderDecoder.FIXED)
def test_the_parts_of_an_encoder_decoder_cannot_be_replaced(name):
    with pytest.raises(AttributeError, match=f"^{name} of EncoderDecoder"):
        setattr(EncoderDecoder(2, 3, 4), name, 7)


def test_weights_change_in_place():
    net = RNN(2, 3, 1)
    before = net.flat.copy()
    net.flat *= 2
    net.flat[:] += 1
    np.testing.assert_array_equal(net.flat, 2 * before + 1)
    np.testing.assert_array_equal(net.parameters["b_y"], net.flat[-1:])
    net.label = "one's own attributes are free"
    net.label = "to change"


def test_sizes_of_numpys_are_kept_as_integers(tmp_path):
    net = RNN(np.int64(2), np.int32(3), np.uint8(1), layers=np.int16(1), bidirectional=np.True_)
    net.save(tmp_path / "net.npz")
    np.testing.assert_array_equal(RNN.load(tmp_path / "net.npz").flat, net.flat)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint32, np.uint64])
def test_symbols_and_classes_of_every_integer_are_taken(kind):
    net, x, _ = make(symbols=True)
    target = np.random.default_rng(0).integers(0, O, (T, B))
    expected = net.loss_and_gradients(x, target, loss="softmax")
    found = net.loss_and_gradients(x.astype(kind), target.astype(kind), loss="softmax")
    assert found.loss == expected.loss
    np.testing.assert_array_equal(found.gradients.flat, expected.gradients.flat)
    pair = EncoderDecoder(I, 3, O)
    loss = pair.loss_and_gradients(x.astype(kind), target.astype(kind)).loss
    assert loss == pair.loss_and_gradients(x, target).loss


def test_an_array_that_lies_in_a_file_is_taken(tmp_path):
    net, x, _ = make(state=False)
    x.tofile(tmp_path / "x")
    mapped = np.memmap(tmp_path / "x", x.dtype, "r", shape=x.shape)
    trace = net.forward(mapped)
    assert type(trace.x) is np.ndarray
    np.testing.assert_array_equal(trace.y, net.forward(x).y)


def test_a_generator_is_a_seed_of_an_encoder_decoder_too():
    one, two = (EncoderDecoder(2, 3, 4, seed=np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.decoder.flat, two.decoder.flat)
    state = draw_state(one.encoder, B, np.random.default_rng(0))
    assert state.names == ("h",)


def test_a_state_that_a_cell_does_not_have_is_told():
    with pytest.raises(AttributeError, match=r"^State of states h has no c$"):
        make("tanh")[0].initial_state(1).c  # noqa: B018
