"""What holds for every gated cell: tests that a class for one cell inherits, and the nets they run on.

The functions of both cells fit one pattern, with `state` (h_0, c_0) or (h_0,) and `upstream` (dh, dc_T) or (dh,):

    forward(x, *state, W_xh, W_hh, b_h) -> states: (h, c, gates) or (h, gates)
    backward(*upstream, x, *states, W_xh, W_hh) -> gradients of forward's arguments, in their order
"""

from typing import NamedTuple

import numpy as np
import pytest
from pairs import every_pair

from rnnkit import kernels, parallel, reference
from rnnkit.gradients.gradcheck import numerical_gradient, relative_error

EXACT = 1e-12  # another order of at most 600 float64 additions, relative to the largest sum
SINGLE = 5e-5  # the same in float32, and against float64, carried over 5 to 130 steps
DIFFERENCES = 1e-8  # 4th-order differences of 4 smooth steps
ROUNDING = {np.float32: SINGLE, np.float64: EXACT}
LARGE = 1e4  # exp of it is no float64: 0 or infinite
SHUT = 1e-30  # what a gate lets through at -LARGE, times LARGE: the kernels' sigmoid stops above 0, at 4e-38 in float32
SYMBOLS = 5  # rows of W_xh where x are symbols

every_dtype = pytest.mark.parametrize("dtype", ROUNDING)
at_last_or_all = pytest.mark.parametrize("last_only", [False, True])
floats_or_symbols = pytest.mark.parametrize("symbols", [False, True], ids=["floats", "symbols"])


class Net(NamedTuple):
    """x (T, B, I) or (T, B), state: arrays (B, H), weights: W_xh, W_hh, b_h."""

    x: np.ndarray
    state: list
    weights: list

    def arguments(self):
        return self.x, *self.state, *self.weights


def assert_close(got, expected, tolerance):
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_equal(g.shape, e.shape)
        np.testing.assert_allclose(g, e, rtol=0, atol=tolerance * np.abs(e).max(initial=1))


def assert_same_bytes(got, expected):
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_equal((g.dtype, g.shape), (e.dtype, e.shape))
        np.testing.assert_array_equal(g, e)
        np.testing.assert_equal(g.tobytes(), e.tobytes())


def pick(arrays, rows):
    """Take rows of the batch, which is the last axis but one of everything but weights."""
    return [np.ascontiguousarray(a[..., rows, :]) for a in arrays]


BROKEN = {
    "rank": lambda a: a[None, None],
    "empty": lambda a: a[:0],
    "dtype": lambda a: np.ones_like(a, np.int64),
    "layout": lambda a: np.flip(a, -1),
    "list": lambda a: a.tolist(),
}


class GatedCell:
    """The contract; a subclass says what is particular to its cell.

    name: prefix of the functions. columns: of W_xh and W_hh, by H. carried: arrays of the state.
    lowest: value of each gate that columns make. functions: the arguments of each, by name.
    results: the class and fields of what each returns.
    """

    name: str
    columns: int
    carried: int
    lowest: tuple
    functions: dict
    results: dict

    def make(self, T=5, B=3, I=2, H=7, dtype=np.float64, symbols=False, last_only=False):  # noqa: E741
        """Build (net, upstream) from one seed."""
        rng = np.random.default_rng(0)
        I = SYMBOLS if symbols else I  # noqa: E741
        *state, x, W_xh, b_h, dh, dc_T = (
            rng.standard_normal(shape).astype(dtype)
            for shape in [(B, H)] * self.carried + [(T, B, I), (I, self.columns * H), (4 * H,), (T, B, H), (B, H)]
        )
        W_hh = (rng.standard_normal((H, self.columns * H)) / np.sqrt(H)).astype(dtype)
        x = rng.integers(0, I, (T, B)) if symbols else x
        return Net(x, state, [W_xh, W_hh, b_h]), [dh[-1] if last_only else dh, dc_T][: self.carried]

    def function(self, name, module=kernels):
        return getattr(module, f"{self.name}_{name}")

    def run(self, module, net, upstream):
        """Return all states and gradients."""
        states = self.function("forward", module)(*net.arguments())
        backward = self.function("backward", module)
        return *states, *backward(*upstream, net.x, *states, *net.weights[:2])

    def run_step(self, module, net, upstream):
        """Return the states and gradients of the first step of net."""
        x_t, (dh, *dc_t) = net.x[0], upstream
        after = self.function("cell_forward", module)(x_t, *net.state, *net.weights)
        before_and_after = (x_t, *net.state, *after[1:])
        return *after, *self.function("cell_backward", module)(dh[0], *dc_t, *before_and_after, *net.weights[:2])

    def calls(self, **sizes):
        """Build the arguments of every function, by name; outputs hold nan."""
        net, upstream = self.make(**sizes)
        results = self.run(kernels, net, upstream)
        n, (dh, *dc_t), after = self.carried + 1, upstream, self.run_step(kernels, net, upstream)
        outputs = [np.full_like(a, np.nan) for a in results]
        backward = (*upstream, net.x, *results[:n], *net.weights[:2])
        cell_backward = (dh[0], *dc_t, net.x[0], *net.state, *after[1:n], *net.weights[:2])
        values = {
            "forward": net.arguments(),
            "forward_into": (*net.arguments(), *outputs[:n]),
            "backward": backward,
            "backward_into": (*backward, *outputs[n:]),
            "cell_forward": (net.x[0], *net.state, *net.weights),
            "cell_backward": cell_backward,
        }
        return {f: dict(zip(self.functions[f].split(), values[f], strict=True)) for f in values}

    def functions_and_arguments(self):
        """Return every function, also those on all cores, with good arguments."""
        calls = self.calls()
        serial = [(self.function(name), arguments) for name, arguments in calls.items()]
        return serial + [(self.function(name, parallel), calls[name]) for name in ("forward", "backward")]

    @every_pair(
        {
            "B, T": [(1, 1), (1, 5), (3, 1), (3, 5), (20, 30), (1, 130)],  # two shards; two chunks
            "H": [1, 7, 33],
            "dtype": ROUNDING,
            "last_only": [False, True],
        }
    )
    def test_against_reference(self, dtype, H, B, T, last_only):
        net, upstream = self.make(T=T, B=B, H=H, dtype=dtype, last_only=last_only)
        got = self.run(kernels, net, upstream)
        np.testing.assert_equal({g.dtype for g in got}, {np.dtype(dtype)})
        assert_close(got, self.run(reference, net, upstream), ROUNDING[dtype])

    @every_pair({"B": [1, 3, 20], "H": [1, 7, 33], "dtype": ROUNDING})
    def test_a_step_against_reference_and_a_sequence_of_one(self, dtype, H, B):
        net, upstream = self.make(T=1, B=B, H=H, dtype=dtype)
        got = self.run_step(kernels, net, upstream)
        np.testing.assert_equal({g.dtype for g in got}, {np.dtype(dtype)})
        assert_close(got, self.run_step(reference, net, upstream), ROUNDING[dtype])
        whole = list(self.run(kernels, net, upstream))
        over_time = self.carried + 2  # states, gates and dx
        assert_close(got, [a[-1] for a in whole[:over_time]] + whole[over_time:], ROUNDING[dtype])

    @at_last_or_all
    def test_gradients_against_differences(self, last_only):
        net, (dh, *dc_T) = self.make(T=4, B=2, H=5, last_only=last_only)
        gradients = self.run(kernels, net, (dh, *dc_T))[self.carried + 1 :]

        def loss():
            h, *c, _ = self.function("forward")(*net.arguments())
            ends = [h[-1] if last_only else h[1:], *(s[-1] for s in c)]
            return sum((s * d).sum() for s, d in zip(ends, (dh, *dc_T), strict=True))

        for gradient, array in zip(gradients, net.arguments(), strict=True):
            np.testing.assert_array_less(relative_error(gradient, numerical_gradient(loss, array)), DIFFERENCES)

    @floats_or_symbols
    def test_float32_against_float64(self, symbols):
        single, double = (self.run(kernels, *self.make(H=33, dtype=dtype, symbols=symbols)) for dtype in ROUNDING)
        assert_close(single, double, SINGLE)

    @floats_or_symbols
    @pytest.mark.parametrize("cut", [1, 2, 4])
    def test_chunks_with_carried_state_equal_the_whole(self, cut, symbols):
        """To rounding, not to the bit: the weight gradients are summed over other steps first."""
        net, (dh, *dc_T) = self.make(symbols=symbols)
        n = self.carried
        first = net._replace(x=net.x[:cut])
        carried = [s[-1] for s in self.function("forward")(*first.arguments())[:n]]
        after = self.run(kernels, net._replace(x=net.x[cut:], state=carried), (dh[cut:], *dc_T))
        dh_carried, *dc_carried = after[n + 2 : 2 * n + 2]
        dh_first = dh[:cut].copy()
        dh_first[-1] += dh_carried
        before = self.run(kernels, first, (dh_first, *dc_carried))
        states = [np.concatenate([b, a[1:]]) for b, a in zip(before[:n], after[:n], strict=True)]
        gates, dx = (np.concatenate([before[i], after[i]]) for i in (n, n + 1))
        weights = [b + a for b, a in zip(before[-3:], after[-3:], strict=True)]
        joined = [*states, gates, dx, *before[n + 2 : 2 * n + 2], *weights]
        assert_close(joined, self.run(kernels, net, (dh, *dc_T)), EXACT)

    def test_a_permuted_batch_permutes(self):
        net, upstream = self.make(B=20)
        order = np.random.default_rng(1).permutation(20)
        *rows, dW_xh, dW_hh, db_h = self.run(kernels, net, upstream)
        permuted = net._replace(x=pick([net.x], order)[0], state=pick(net.state, order))
        got = self.run(kernels, permuted, pick(upstream, order))
        assert_close(got, (*pick(rows, order), dW_xh, dW_hh, db_h), EXACT)

    @every_pair({"B": [3, 20], "H": [1, 7, 33], "dtype": ROUNDING})
    def test_the_bytes_of_a_row_do_not_depend_on_its_batch(self, dtype, H, B):
        net, upstream = self.make(T=30, B=B, H=H, dtype=dtype)
        rows = self.run(kernels, net, upstream)[:-3]
        for b in range(B):
            alone = net._replace(x=pick([net.x], [b])[0], state=pick(net.state, [b]))
            assert_same_bytes(self.run(kernels, alone, pick(upstream, [b]))[:-3], pick(rows, [b]))

    @every_pair({"B": [1, 3, 20], "dtype": ROUNDING, "last_only": [False, True]})
    def test_symbols_equal_their_one_hot_rows(self, dtype, B, last_only):
        net, upstream = self.make(T=30, B=B, dtype=dtype, symbols=True, last_only=last_only)
        got = list(self.run(kernels, net, upstream))
        expected = list(self.run(kernels, net._replace(x=np.eye(SYMBOLS, dtype=dtype)[net.x]), upstream))
        dx, _ = (results.pop(self.carried + 1) for results in (got, expected))
        np.testing.assert_equal((dx.dtype, dx.shape), (np.dtype(dtype), (30, B, 0)))
        np.testing.assert_equal({g.dtype for g in got}, {np.dtype(dtype)})
        assert_close(got, expected, ROUNDING[dtype])

    def test_a_symbol_that_does_not_occur_has_no_gradient(self):
        net, upstream = self.make(T=30, symbols=True)
        net.x[net.x == 2] = 3
        dW_xh = self.run(kernels, net, upstream)[-3]
        np.testing.assert_array_equal((dW_xh == 0).all(axis=1), [False, False, True, False, False])

    @pytest.mark.parametrize(("symbols", "last_only"), [(False, False), (False, True), (True, False)])
    def test_into_forms_write_what_the_allocating_forms_return(self, symbols, last_only):
        net, upstream = self.make(T=30, B=20, symbols=symbols, last_only=last_only)
        expected = self.run(kernels, net, upstream)
        outputs = [np.full_like(a, np.nan) for a in expected]
        n = self.carried + 1
        done = self.function("forward_into")(*net.arguments(), *outputs[:n])
        backward = (*upstream, net.x, *outputs[:n], *net.weights[:2])
        done = done, self.function("backward_into")(*backward, *outputs[n:])
        np.testing.assert_equal(done, (None, None))
        assert_same_bytes(outputs, expected)

    def test_results_carry_their_names(self):
        for name, (kind, fields) in self.results.items():
            result = self.function(name)(**self.calls()[name])
            np.testing.assert_equal(type(result) is getattr(kernels, kind), True)
            np.testing.assert_equal(result._fields, tuple(fields.split()))

    def test_inputs_are_left_alone(self):
        for name, arguments in self.calls(B=20).items():
            inputs = {a: v for a, v in arguments.items() if not np.isnan(v).any()}
            before = {a: v.copy() for a, v in inputs.items()}
            self.function(name)(**arguments)
            assert_same_bytes(inputs.values(), before.values())

    @every_pair({"B": [1, 8, 17, 65], "dtype": ROUNDING, "symbols": [False, True], "last_only": [False, True]})
    def test_all_cores_give_the_serial_bytes(self, dtype, B, symbols, last_only):
        net, upstream = self.make(T=13, B=B, H=33, dtype=dtype, symbols=symbols, last_only=last_only)
        got, expected = (self.run(module, net, upstream) for module in (parallel, kernels))
        assert_same_bytes(got, expected)

    @every_dtype
    def test_large_pre_activations_close_or_open_the_gates(self, dtype):
        """No gradient passes a gate that is 0 or 1, or a candidate that is -1 or 1."""
        net, upstream = self.make(I=1, B=20, dtype=dtype)
        W_xh, n = net.weights[0], self.carried
        net.x[:], W_xh[:] = np.copysign(LARGE, net.x), np.sign(W_xh)
        got = self.run(kernels, net, upstream)
        signs = np.sign(net.x @ W_xh).reshape(5, 20, self.columns, 7).swapaxes(1, 2)
        opened = np.where(np.array(self.lowest)[:, None, None] < 0, signs, (signs + 1) / 2)
        np.testing.assert_allclose(got[n][:, : self.columns], opened, rtol=0, atol=SHUT)
        np.testing.assert_equal([np.isfinite(a).all() for a in got], [True] * len(got))
        np.testing.assert_array_less([np.abs(d).max() for d in got[-3:]], SHUT)
        assert_close(got, self.run(reference, net, upstream), ROUNDING[dtype])

    @every_dtype
    @pytest.mark.parametrize("T", [5, 30])
    def test_a_nan_stays_in_its_row(self, dtype, T):
        """From its step on, through all units; the rows beside it and the steps before it keep their bytes."""
        net, _ = self.make(T=T, B=20, dtype=dtype)
        forward, others = self.function("forward"), [b for b in range(20) if b != 6]
        clean = forward(*net.arguments())
        net.x[2, 6, 1] = np.nan
        got = forward(*net.arguments())
        assert_same_bytes(pick(got, others), pick(clean, others))
        for g, c in zip(got[:-1], clean[:-1], strict=True):
            assert_same_bytes([g[:3]], [c[:3]])
            np.testing.assert_array_equal(np.isnan(g[3:, 6]), True)
        np.testing.assert_array_equal(np.isnan(got[-1][2:, : self.columns, 6]), True)

    @pytest.mark.parametrize("how", BROKEN)
    def test_a_bad_array_is_named(self, how):
        for function, arguments in self.functions_and_arguments():
            for name, array in arguments.items():
                with pytest.raises(ValueError, match=rf"^{name} must"):
                    function(**arguments | {name: BROKEN[how](array)})

    @pytest.mark.parametrize("axis", [0, 1, -1])
    def test_a_size_that_does_not_fit_is_refused(self, axis):
        """What sets a size is believed: the blame may fall on the next argument, but weights come late."""
        for function, arguments in self.functions_and_arguments():
            fixed = {n: a for n, a in arguments.items() if axis < a.ndim and not (n == "x" and axis == 0)}
            for name, array in fixed.items():
                blamed = name if "W_" in name or "b_" in name else r"\w+"
                with pytest.raises(ValueError, match=rf"^{blamed} must have shape"):
                    function(**arguments | {name: np.delete(array, 0, axis)})

    def test_another_dtype_is_named(self):
        for function, arguments in self.functions_and_arguments():
            for name in [n for n in arguments if "W_" in n or "b_" in n]:
                with pytest.raises(ValueError, match=rf"^{name} must be float64 like"):
                    function(**arguments | {name: arguments[name].astype(np.float32)})

    def test_a_read_only_output_is_named(self):
        for name in ("forward_into", "backward_into"):
            arguments = self.calls()[name]
            for output in [a for a, v in arguments.items() if np.isnan(v).all()]:
                locked = arguments[output].copy()
                locked.flags.writeable = False
                with pytest.raises(ValueError, match=rf"^{output} must be writeable"):
                    self.function(name)(**arguments | {output: locked})

    @pytest.mark.parametrize("symbol", [-1, SYMBOLS])
    def test_a_symbol_out_of_range_is_named(self, symbol):
        net, upstream = self.make(symbols=True)
        states = self.function("forward")(*net.arguments())
        net.x[-1, -1] = symbol
        for module in (kernels, parallel):
            with pytest.raises(ValueError, match=r"^x must hold symbols in 0\.\.4"):
                self.function("forward", module)(*net.arguments())
            with pytest.raises(ValueError, match=r"^x must hold symbols in 0\.\.4"):
                self.function("backward", module)(*upstream, net.x, *states, *net.weights[:2])
