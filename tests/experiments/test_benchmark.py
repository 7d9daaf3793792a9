"""The benchmark's answers against JAX and PyTorch, its tables and its messages; nothing here is timed."""

import sys

import benchmark
import gated_peers as gated
import numpy as np
import pandas as pd
import peers
import pytest

CELLS = [(7, 3, 5, "float32"), (33, 1, 1, "float64"), (8, 20, 12, "float32"), (5, 3, 4, "float64")]


@pytest.mark.parametrize(("library", "of"), [("jax", peers.jax_gradients), ("torch", peers.torch_gradients)])
@pytest.mark.parametrize(("H", "B", "T", "dtype"), CELLS)
def test_gradients_agree_with_an_independent_library(library, of, H, B, T, dtype):
    pytest.importorskip(library, reason=f"{library} is in the bench extra")
    net = peers.draw_net(np.random.default_rng(0), H, B, T, 2, dtype)
    benchmark.first_calls(peers.rnnkit_gradients(net) | of(net), dtype)


@pytest.mark.parametrize(("library", "of"), [("jax", gated.jax_gated), ("torch", gated.torch_gated)])
@pytest.mark.parametrize("cell", gated.GATES)
@pytest.mark.parametrize(("H", "B", "T", "dtype"), CELLS)
def test_gated_gradients_agree_with_an_independent_library(library, of, cell, H, B, T, dtype):
    pytest.importorskip(library, reason=f"{library} is in the bench extra")
    net = gated.draw_gated(np.random.default_rng(0), cell, H, B, T, 2, dtype)
    benchmark.first_calls(gated.rnnkit_gated(cell, net) | of(cell, net), dtype)


def test_gated_targets_are_two_times_each_peer():
    cells = [{"cell": cell, "H": 32, "B": 1, "T": 100, "dtype": "float32"} for cell in ("gru", "lstm")]
    table = pd.DataFrame([c | {"jax/rnnkit": 3.0, "torch/rnnkit": 0.5} for c in cells])
    lines = benchmark._gated_lines(table)
    assert lines[0] == "| gru: geometric mean at least 2x jax | 3.00x, lowest 3.00x |  |"
    assert lines[3] == "| lstm: geometric mean at least 2x torch | 0.50x, lowest 0.50x | 32, 1, 100, float32 |"


@pytest.mark.parametrize(("library", "of"), [("jax", peers.jax_training), ("torch", peers.torch_training)])
def test_training_agrees_with_an_independent_library(library, of):
    pytest.importorskip(library, reason=f"{library} is in the bench extra")
    nets = [peers.draw_net(np.random.default_rng(r), 7, 3, 5, 2, "float32") for r in range(2)]
    benchmark.first_calls(peers.rnnkit_training(nets, 3) | of(nets, 3), "float32")


def test_answers_that_differ_are_refused():
    contenders = {"rnnkit": lambda: (np.ones(3),), "other": lambda: (np.full(3, 1.1),)}
    with pytest.raises(ArithmeticError, match=r"other and rnnkit differ by 1\.0e-01"):
        benchmark.first_calls(contenders, "float32")


@pytest.fixture
def table():
    cell = {"H": 128, "B": 20, "T": 50, "dtype": "float32", "rnnkit_us": 1e3, "jax/rnnkit": 4.0, "torch/rnnkit": 16.0}
    slow = cell | {"T": 200, "rnnkit_us": 8e3, "jax/rnnkit": 0.5, "torch/rnnkit": 4.0}
    rows = [row | {"flops": benchmark.flops_of(128, 20, row["T"]), "gemm_s": 0.1} for row in (cell, slow)]
    return benchmark.with_limit(pd.DataFrame(rows))


def test_the_limit_is_the_flops_at_the_rate_of_the_large_product(table):
    rate = 2 * 2048**3 / 0.1
    flops = 6 * 50 * 20 * 128**2 + 4 * 50 * 20 * 128 * 6
    assert table.limit_us[0] == pytest.approx(1e6 * flops / rate)
    assert table.limit_share[0] == pytest.approx(1e3 * flops / rate)


def test_cells_under_a_target_are_named(table):
    lines = benchmark.summary({"table": table}).splitlines()
    assert "| geometric mean at least 3x jax | 1.4x | |" in lines
    assert "| every cell at least 1.0x jax | 0.50x | 128, 20, 200, float32 |" in lines
    assert "| every cell at least 1.0x torch | 4.00x |  |" in lines


def test_a_missing_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(SystemExit, match=r"jax is missing: pip install -e \.\[bench\]"):
        benchmark.main(["--only", "single", "--hidden", "3", "--batch", "1", "--steps", "2", "--out", str(tmp_path)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hidden", "50"], "--out must be a folder of its own for some of the cells"),
        (["--steps", "0"], "--steps: must be an integer >= 1, got '0'"),
    ],
)
def test_a_table_is_not_overwritten_by_a_few_cells_nor_started_with_none(arguments, message, capsys):
    with pytest.raises(SystemExit):
        benchmark.main(arguments)
    assert message in capsys.readouterr().err
