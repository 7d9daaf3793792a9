import numpy as np
import pytest

import rnnkit
from rnnkit.gradients.gradcheck import numerical_gradient, relative_error

DIFFERENCES = 1e-7  # 4th-order differences through two nets of a few smooth steps


@pytest.fixture
def net():
    return rnnkit.EncoderDecoder(4, 5, 3, cell="lstm", layers=2, dtype="float64", seed=1)


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.integers(0, 4, (6, 3)), rng.integers(0, 3, (4, 3)), np.array([6, 2, 3]), np.array([1, 4, 2])


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru"])
@pytest.mark.parametrize("numbers", [False, True])
def test_gradients_against_differences(batch, cell, numbers):
    x, target, lengths, target_lengths = batch
    x = np.random.default_rng(1).standard_normal((6, 3, 4)) if numbers else x
    net = rnnkit.EncoderDecoder(4, 3, 3, cell=cell, dtype="float64")
    options = {"lengths": lengths, "target_lengths": target_lengths}
    found = net.loss_and_gradients(x, target, **options).gradients
    arrays = net.parameters | ({"x": x} if numbers else {})
    for name, array in arrays.items():
        numeric = numerical_gradient(lambda: net.loss_and_gradients(x, target, **options).loss, array)
        assert relative_error(found.dx if name == "x" else found.parameters[name], numeric) < DIFFERENCES, name


def test_what_stands_beyond_a_length_is_not_read(net, batch):
    x, target, lengths, target_lengths = batch
    options = {"lengths": lengths, "target_lengths": target_lengths}
    before = net.loss_and_gradients(x, target, **options)
    for array, ends in ((x, lengths), (target, target_lengths)):
        array[np.arange(len(array))[:, None] >= ends] = 2
    after = net.loss_and_gradients(x, target, **options)
    assert after.loss == before.loss
    for name, gradient in before.gradients.parameters.items():
        np.testing.assert_array_equal(after.gradients.parameters[name], gradient)


def test_answers_are_those_of_teacher_forcing_on_them(net, batch):
    """Each symbol of a free answer is the likeliest one where the answer itself is the target."""
    x, _, lengths, _ = batch
    answers = net.generate(x, 7, lengths=lengths)
    decoded = net.loss_and_gradients(x, answers, lengths=lengths).traces[1]
    np.testing.assert_array_equal(decoded.y.argmax(axis=2), answers)


def test_after_the_end_stands_the_end(net, batch):
    answers = net.generate(batch[0], 40, end=int(net.generate(batch[0], 1)[0, 0]))
    end = answers[0, 0]
    assert (answers[:, 0] == end).all()
    for column in answers.T:
        if end in column:
            assert (column[list(column).index(end) :] == end).all()


def test_states_have_gradients_too(net, batch):
    x, target, *_ = batch
    hidden = net.loss_and_gradients(x, target, hidden=True).gradients.hidden
    assert {name: states.h.shape for name, states in hidden.items()} == {
        "encoder.l0": (6, 3, 5), "encoder.l1": (6, 3, 5), "decoder.l0": (4, 3, 5), "decoder.l1": (4, 3, 5),
    }  # fmt: skip


def test_saved_and_loaded_it_answers_alike(net, batch, tmp_path):
    net.save(tmp_path / "net.npz")
    again = rnnkit.EncoderDecoder.load(tmp_path / "net.npz")
    assert repr(again) == repr(net)
    assert again.num_parameters == net.num_parameters == sum(a.size for a in net.parameters.values())
    np.testing.assert_array_equal(again.generate(batch[0], 9), net.generate(batch[0], 9))


def test_a_plain_net_is_not_taken_for_one(tmp_path):
    rnnkit.RNN(3, 4, 3).save(tmp_path / "net.npz")
    with pytest.raises(ValueError, match=r"must hold a saved EncoderDecoder, got .*RNN.*kind must be EncoderDecoder"):
        rnnkit.EncoderDecoder.load(tmp_path / "net.npz")


@pytest.mark.parametrize("name", ["bidirectional", "output", "depth"])
def test_an_option_without_a_place_is_named(name):
    with pytest.raises(ValueError, match=rf"^unknown argument {name}=True: known are initializer, "):
        rnnkit.EncoderDecoder(4, 5, 3, **{name: True})


def test_bad_steps_are_named(net, batch):
    with pytest.raises(ValueError, match=r"^steps must be an integer >= 1, got 0"):
        net.generate(batch[0], 0)


def test_the_two_nets_begin_apart():
    net = rnnkit.EncoderDecoder(4, 5, 3)
    assert not np.allclose(net.parameters["encoder.l0.W_hh"], net.parameters["decoder.l0.W_hh"])


@pytest.mark.parametrize("target", [np.full((2, 3), 3), np.full((2, 3), -1), np.zeros((2, 3)), np.zeros(3, int)])
def test_a_bad_target_is_named(net, batch, target):
    with pytest.raises(ValueError, match=r"^target must"):
        net.loss_and_gradients(batch[0], target)
