"""What tests share: inputs of the kernels, and a small experiment for sweeps."""

import os
import signal
from typing import NamedTuple

import numpy as np
import pytest
import toy_sweep
from hypothesis import settings

if "MESSAGES" in os.environ:
    import met

    met.record(os.environ["MESSAGES"])

settings.register_profile("reproducible", deadline=None, derandomize=True, database=None)
settings.load_profile("reproducible")

# A shell that starts its tests in the background has them ignore Ctrl-C, and with them what they start and send it to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Begin with tests of clusters: they wait most, and what waits should not begin last."""
    items.sort(key=lambda item: item.path.parent.name != "cluster")  # a stable sort: else as they were


class Net(NamedTuple):
    """x (T, B, I), h_0 (B, H), W_xh (I, H), W_hh (H, H), b_h (H,), in the order of `rnn_forward`."""

    x: np.ndarray
    h_0: np.ndarray
    W_xh: np.ndarray
    W_hh: np.ndarray
    b_h: np.ndarray

    def astype(self, dtype):
        return Net(*(a.astype(dtype) for a in self))


@pytest.fixture(scope="session")
def make_net():
    """Build (net, dh): a net with gain near 1 and a gradient dh (T, B, H), from a seed."""

    def make(T=5, B=3, I=2, H=7, dtype=np.float64, seed=0):  # noqa: E741
        rng = np.random.default_rng(seed)
        W_hh = rng.standard_normal((H, H)) / np.sqrt(H)
        x, h_0, W_xh, b_h, dh = (rng.standard_normal(shape) for shape in [(T, B, I), (B, H), (I, H), (H,), (T, B, H)])
        return Net(x, h_0, W_xh, W_hh, b_h).astype(dtype), dh.astype(dtype)

    return make


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The file of a small experiment in a folder of its own."""
    return toy_sweep.make(tmp_path_factory.mktemp("toy"))


@pytest.fixture
def out(tmp_path):
    """A folder that is not there yet."""
    return tmp_path / "out"
