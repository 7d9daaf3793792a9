import numpy as np
import pytest

from rnnkit import kernels, reference
from rnnkit.kernels import IDENTITY, TANH

PRINTED = 5e-5  # four decimals

# The worked example of the seed article. It multiplies column vectors, W x; here rows are multiplied, x W^T.
# Two slips in its printed arithmetic: rows 1 and 3 of W_hh h_1 are .106 and .097, it prints .096 and .081.
# Its h_2, about [.23, .63, .73], inherits them; the values below are those of its formula.
W_XH = np.array([[0.5, -0.3], [0.2, 0.4], [-0.1, 0.6]]).T.copy()
W_HH = np.array([[0.3, -0.2, 0.1], [0.4, 0.5, -0.3], [-0.2, 0.1, 0.4]]).T.copy()
B_H = np.array([0.1, -0.1, 0.2])
X = np.array([[[1, 0.5]], [[0.8, 1.2]], [[0.3, 0.9]]])
STATES = [[0, 0, 0], [0.4219, 0.2913, 0.3799], [0.2414, 0.6294, 0.7337], [-0.0001, 0.4709, 0.7691]]


@pytest.mark.parametrize("module", [reference, kernels])
def test_worked_example(module):
    h = module.rnn_forward(X, np.zeros((1, 3)), W_XH, W_HH, B_H, TANH)
    np.testing.assert_allclose(h[:, 0], STATES, rtol=0, atol=PRINTED)


@pytest.mark.parametrize("module", [reference, kernels])
def test_worked_example_step_by_step(module):
    h_t = np.zeros((1, 3))
    for x_t, expected in zip(X, STATES[1:], strict=True):
        h_t = module.rnn_cell_forward(x_t, h_t, W_XH, W_HH, B_H, TANH)
        np.testing.assert_allclose(h_t[0], expected, rtol=0, atol=PRINTED)


def test_the_two_slips_of_the_article():
    product = np.array([0.42, 0.29, 0.38]) @ W_HH  # with its own rounded h_1
    np.testing.assert_allclose(product[[0, 2]], [0.106, 0.097], rtol=0, atol=5e-4)  # three decimals


def test_gradients_by_hand():
    """h_2 = w (w h_0 + u x_1) + u x_2 with one linear unit: every derivative can be written down."""
    u, w, h_0 = 0.5, 3.0, 7.0
    x = np.array([2.0, 11.0]).reshape(2, 1, 1)
    W_xh, W_hh = np.array([[u]]), np.array([[w]])
    h = reference.rnn_forward(x, np.array([[h_0]]), W_xh, W_hh, np.zeros(1), IDENTITY)
    h_1 = w * h_0 + u * 2
    got = reference.rnn_backward(np.ones((1, 1)), x, h, W_xh, W_hh, IDENTITY)
    expected = [[w * u, u], w**2, w * 2 + 11, w * h_0 + h_1, w + 1]
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_array_equal(g.ravel(), e)


def test_clip_by_norm():
    gradients = (np.array([3.0]), np.array([[4.0, 0.0]]))
    clipped = reference.clip_by_norm(gradients, 1.0)
    np.testing.assert_allclose(np.concatenate([g.ravel() for g in clipped]), [0.6, 0.8, 0], rtol=1e-15)
    for g, unchanged in zip(gradients, reference.clip_by_norm(gradients, 5.0), strict=True):
        np.testing.assert_array_equal(g, unchanged)
