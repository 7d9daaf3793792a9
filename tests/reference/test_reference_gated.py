"""The references of the gated cells against PyTorch, differences and numbers by hand; the kernels too, where cheap."""

import numpy as np
import pytest

from rnnkit import kernels, reference
from rnnkit.gradients.gradcheck import numerical_gradient, relative_error

EXACT = 1e-12  # another order of at most 30 float64 additions, relative to the largest
SINGLE = 1e-5  # the same in float32, and another tanh and sigmoid
DIFFERENCES = 1e-8  # 4th-order differences of 6 smooth steps
ROUNDING = {np.float32: SINGLE, np.float64: EXACT}
T, B, I, H = 6, 3, 4, 5  # noqa: E741  all different
COLUMNS = {"lstm": 4, "gru": 3}  # of W_xh and W_hh, by H; b_h has 4 H in both
CARRIED = {"lstm": 2, "gru": 1}  # h and c, or h
every_cell = pytest.mark.parametrize("cell", COLUMNS)
both_modules = pytest.mark.parametrize(
    ("module", "dtype"), [(reference, np.float64), (kernels, np.float32)], ids=["reference", "kernels"]
)


def make(cell, dtype=np.float64):
    """Return the arguments of the forward function, and the gradients (dh, dc_T) or (dh,) for the backward one."""
    rng = np.random.default_rng(0)
    columns, state = COLUMNS[cell] * H, [(B, H)] * CARRIED[cell]
    net = [(T, B, I), *state, (I, columns), (H, columns), (4 * H,)]
    upstream = [(T, B, H), *state[1:]]
    return tuple([rng.standard_normal(shape).astype(dtype) for shape in shapes] for shapes in (net, upstream))


def run(module, cell, net, upstream):
    """Return the states and gates, and the gradients, of a sequence."""
    states = getattr(module, f"{cell}_forward")(*net)
    return states, getattr(module, f"{cell}_backward")(*upstream, net[0], *states, *net[-3:-1])


def run_step(module, cell, step, upstream):
    """Return the states and gates, and the gradients, of a step."""
    states = getattr(module, f"{cell}_cell_forward")(*step)
    return states, getattr(module, f"{cell}_cell_backward")(*upstream, *step[:-3], *states[1:], *step[-3:-1])


def weighted(states, upstream):
    """Return a scalar with the gradients `upstream`, of NumPy or PyTorch arrays."""
    return sum((s * d).sum() for s, d in zip(states, upstream, strict=True))


def assert_close(got, expected, tolerance):
    for g, e in zip(got, expected, strict=True):
        assert g.shape == e.shape
        np.testing.assert_allclose(g, e, rtol=0, atol=tolerance * max(1, np.abs(e).max()))


def load(torch, module, W_xh, W_hh, b_h):
    """Give a module of PyTorch our weights and return its parameters; its second bias is 0 but for the GRU's b_hn."""
    n = W_hh.shape[1]
    b_second = np.concatenate([np.zeros(2 * H), b_h[n:]]) if n == 3 * H else np.zeros(n)
    parameters = list(module.parameters())
    for parameter, values in zip(parameters, (W_xh.T, W_hh.T, b_h[:n], b_second), strict=True):
        parameter.data = torch.tensor(values.astype(W_hh.dtype))
    return parameters


def gradients_by(torch, loss, inputs, parameters):
    """Return the gradients of inputs and parameters in our layout."""
    *inputs, dW_xh, dW_hh, db, db_second = (g.numpy() for g in torch.autograd.grad(loss, [*inputs, *parameters]))
    db_h = np.concatenate([db, db_second[2 * H :]]) if len(db) == 3 * H else db
    return *inputs, dW_xh.T, dW_hh.T, db_h


def peer_sequence(torch, cell, net, upstream):
    """Return h at every step, the states carried at the last, and the gradients, by torch.nn.LSTM or GRU."""
    module = getattr(torch.nn, cell.upper())(I, H)
    parameters = load(torch, module, *net[-3:])
    x, *first = inputs = [torch.tensor(a, requires_grad=True) for a in net[:-3]]
    h, last = module(x, tuple(s[None] for s in first) if cell == "lstm" else first[0][None])
    last = [s[0] for s in (last if cell == "lstm" else (last,))]
    dh, *dc_T = (torch.tensor(d) for d in upstream)
    loss = weighted([h if dh.ndim == 3 else h[-1], *last[1:]], [dh, *dc_T])
    return [a.detach().numpy() for a in (h, *last)], gradients_by(torch, loss, inputs, parameters)


def peer_step(torch, cell, step, upstream):
    """Return the states and gradients of a step, by torch.nn.LSTMCell or GRUCell."""
    module = getattr(torch.nn, f"{cell.upper()}Cell")(I, H)
    parameters = load(torch, module, *step[-3:])
    x_t, *state = inputs = [torch.tensor(a, requires_grad=True) for a in step[:-3]]
    after = module(x_t, tuple(state)) if cell == "lstm" else (module(x_t, state[0]),)
    loss = weighted(after, [torch.tensor(d) for d in upstream])
    return [s.detach().numpy() for s in after], gradients_by(torch, loss, inputs, parameters)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch comes with the extra `bench`")


@every_cell
@pytest.mark.parametrize("last_only", [False, True])
@both_modules
def test_sequence_against_pytorch(torch, module, dtype, cell, last_only):
    net, (dh, *dc_T) = make(cell, dtype)
    upstream = (dh[-1] if last_only else dh, *dc_T)
    (h, *c, _), gradients = run(module, cell, net, upstream)
    expected_states, expected = peer_sequence(torch, cell, net, upstream)
    assert_close([h[1:], h[-1], *(s[-1] for s in c)], expected_states, ROUNDING[dtype])
    assert_close(gradients, expected, ROUNDING[dtype])


@every_cell
@both_modules
def test_cell_against_pytorch(torch, module, dtype, cell):
    net, (dh, *dc_t) = make(cell, dtype)
    step, upstream = (net[0][0], *net[1:]), (dh[0], *dc_t)
    (*states, _), gradients = run_step(module, cell, step, upstream)
    expected_states, expected = peer_step(torch, cell, step, upstream)
    assert_close(states, expected_states, ROUNDING[dtype])
    assert_close(gradients, expected, ROUNDING[dtype])


@every_cell
@pytest.mark.parametrize("last_only", [False, True])
def test_gradients_against_differences(cell, last_only):
    net, (dh, *dc_T) = make(cell)
    dh = dh[-1] if last_only else dh
    _, gradients = run(reference, cell, net, (dh, *dc_T))

    def loss():
        h, *c, _ = getattr(reference, f"{cell}_forward")(*net)
        return weighted([h[-1] if last_only else h[1:], *(s[-1] for s in c)], [dh, *dc_T])

    for gradient, array in zip(gradients, net, strict=True):
        assert relative_error(gradient, numerical_gradient(loss, array)) < DIFFERENCES


LOGIT = np.log(3)  # sigmoid(ln 3) is 3/4, sigmoid(-ln 3) is 1/4
# One unit with x = 2, h_0 = 2 (and c_0 = -1), of which every gate can be written down.
C_1 = 1 / 4 * -1 + 3 / 4 * np.tanh(0.5)
ONE_UNIT = {
    "lstm": (
        dict(x=2, h_0=2, c_0=-1, W_xh=[0, 1, 0, LOGIT], W_hh=[0, -1, 1 / 4, -LOGIT], b_h=[LOGIT, -LOGIT, 0, 0]),
        ([2, 1 / 2 * np.tanh(C_1)], [-1, C_1], [3 / 4, 1 / 4, np.tanh(0.5), 1 / 2]),
    ),
    "gru": (
        dict(x=2, h_0=2, W_xh=[0, 1, 1 / 4], W_hh=[0, -1, 1], b_h=[LOGIT, -LOGIT, -1, -3]),
        ([2, 3 / 4 * np.tanh(-1.25) + 1 / 4 * 2], [3 / 4, 1 / 4, np.tanh(-1.25), -1]),
    ),
}


@every_cell
@both_modules
def test_one_unit_by_hand(module, dtype, cell):
    arguments, expected = ONE_UNIT[cell]
    shapes = {"x": (1, 1, 1), "b_h": (4,)}
    net = [np.array(a, dtype).reshape(shapes.get(name, (1, -1))) for name, a in arguments.items()]
    for g, e in zip(getattr(module, f"{cell}_forward")(*net), expected, strict=True):
        np.testing.assert_allclose(g.ravel(), e, rtol=0, atol=ROUNDING[dtype])
