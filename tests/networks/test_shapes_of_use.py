"""The five shapes of use of the article, each trained on a small task that it can do without a fault."""

import numpy as np
import pytest

import rnnkit
from rnnkit.kernels import clip_by_norm

SURE = 0.05  # nats of cross-entropy: each answer has a probability of 95% on average
SMALL = 0.01  # of the variance of the target
ROUNDING = 1e-6  # float32, a handful of products


def train(net, draw, updates, learning_rate=0.01, **options):
    """Return the last loss."""
    optimizer = rnnkit.training.optimizers.Optimizer("adam", learning_rate)
    for _ in range(updates):
        x, target = draw()
        loss, gradients, *_ = net.loss_and_gradients(x, target, **options)
        clip_by_norm(tuple(gradients.parameters.values()), 1.0)
        optimizer.step(net.parameters, gradients.parameters)
    return loss


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_one_to_one_is_a_net_without_memory(rng):
    net = rnnkit.RNN(3, 5, 2)
    x = rng.standard_normal((1, 4, 3)).astype(np.float32)
    p = net.parameters
    hidden = np.tanh(x[0] @ p["l0.W_xh"] + p["l0.b_h"])
    np.testing.assert_allclose(net.forward(x).y[0], hidden @ p["W_hy"] + p["b_y"], rtol=0, atol=ROUNDING)


def test_one_to_many_spells_the_word_of_a_class():
    """The class is the first input; then the net's own letters."""
    words, alphabet = ("gradient", "recurret", "sequence"), sorted(set("gradientrecurretsequence"))
    letters = np.array([[alphabet.index(a) for a in word] for word in words]).T  # (8, 3)
    fed = np.concatenate([len(alphabet) + np.arange(3)[None], letters[:-1]])
    net = rnnkit.RNN(len(alphabet) + 3, 32, len(alphabet), cell="gru")
    assert train(net, lambda: (fed, letters), 150, loss="softmax") < SURE
    spelled = rnnkit.generate(net, fed[0], 8).x
    assert ["".join(alphabet[s] for s in row) for row in spelled.T] == list(words)


def test_one_to_many_of_numbers_feeds_its_output_back(rng):
    net, first = rnnkit.RNN(2, 6, 2, dtype="float64"), rng.standard_normal((3, 2))
    made = rnnkit.generate(net, first, 5)
    np.testing.assert_array_equal(made.x, made.y)
    np.testing.assert_array_equal(net.forward(np.concatenate([first[None], made.x[:-1]])).y, made.y)


def test_many_to_one_tells_which_symbol_came_first(rng):
    def draw(n=64):
        x = rng.integers(2, 6, (8, n))
        first, second = rng.integers(0, 2, (2, n))
        x[rng.integers(0, 3, n), np.arange(n)] = first
        x[rng.integers(4, 7, n), np.arange(n)] = second
        return x, first + 2 * second

    net = rnnkit.RNN(6, 24, 4, cell="lstm", output="last", forget_bias=1.0)
    assert train(net, draw, 400, loss="softmax") < SURE
    x, classes = draw(500)
    assert (net.forward(x).y.argmax(axis=1) == classes).all()


def test_many_to_many_in_step_sums_as_it_reads(rng):
    def draw(n=64):
        x = rng.standard_normal((6, n, 1)).astype(np.float32)
        return x, x.cumsum(axis=0)

    net = rnnkit.RNN(1, 32, 1, cell="gru")
    loss = train(net, draw, 600)
    assert loss < SMALL * draw(1000)[1].var()


def test_encoder_decoder_turns_words_of_any_length_around(rng):
    net = rnnkit.EncoderDecoder(4, 48, 5)

    def draw(n=64):
        lengths = rng.integers(1, 5, n)
        x, target = np.zeros((4, n), np.int64), np.full((5, n), 4)
        for b, k in enumerate(lengths):
            word = rng.integers(0, 4, k)
            x[:k, b], target[:k, b] = word, word[::-1]
        return x, target, lengths

    optimizer = rnnkit.training.optimizers.Optimizer("adam", 0.01)
    for _ in range(500):
        x, target, lengths = draw()
        found = net.loss_and_gradients(x, target, lengths=lengths, target_lengths=lengths + 1)
        optimizer.step(net.parameters, found.gradients.parameters)
    x, target, lengths = draw(300)
    answers = net.generate(x, 5, lengths=lengths, end=4)
    assert (answers == target[: len(answers)]).all(axis=0).mean() > 0.99
