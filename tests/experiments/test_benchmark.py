"""The benchmark's answers against JAX and PyTorch, its tables and its messages; nothing here is timed."""

import importlib
import sys
from importlib.metadata import version

import benchmark
import environments
import instances
import limits
import numpy as np
import of_rnnkit
import page
import pandas as pd
import pytest
from contenders import Contenders, Run, check_agreement, promising

SIZES = [(7, 3, 5, "float32"), (33, 1, 1, "float64"), (8, 20, 12, "float32")]
RNN = instances.Sizes("rnn", 7, 3, 5, 2)


def peer(name):
    pytest.importorskip(name, reason=f"{name} is a peer of the benchmark")
    return importlib.import_module(f"of_{name}")


def assert_same(ours, theirs, dtype):
    answers = [[np.asarray(a) for a in run()] for run in (*ours.values(), *theirs.values())]
    for way, answer in zip(theirs, answers[1:], strict=True):
        check_agreement(Run("peer", way), answer, answers[0], dtype)


@pytest.mark.parametrize("name", ["jax", "torch"])
@pytest.mark.parametrize("kind", instances.GATES)
@pytest.mark.parametrize(("H", "B", "T", "dtype"), SIZES)
def test_gradients_agree_with_an_independent_library(name, kind, H, B, T, dtype):
    net = instances.draw_net(np.random.default_rng(0), instances.Sizes(kind, H, B, T, 2, dtype))
    assert_same(of_rnnkit.gradients(kind, net), peer(name).gradients(kind, net), dtype)


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_training_agrees_with_an_independent_library(name):
    drawn = [instances.draw_net(np.random.default_rng(r), RNN) for r in range(2)]
    assert_same(of_rnnkit.training(drawn, 3), peer(name).training(drawn, 3), "float32")


@pytest.fixture(scope="module")
def processes():
    words = [sys.executable, environments.WORKER, "rnnkit"]
    with Contenders({name: environments.Command(words, {}) for name in ("rnnkit", "peer")}) as found:
        yield found


@pytest.mark.parametrize("kind", instances.GATES)
def test_processes_answer_and_are_timed(processes, kind):
    first = processes.load(instances.Sizes(kind, 7, 3, 5, 2))
    assert list(first) == [Run("rnnkit", "default"), Run("peer", "default")]
    assert all(seconds > 0 for seconds in (*first.values(), *processes.time(list(first)).values()))


def test_processes_say_their_versions(processes):
    assert processes.versions() == dict.fromkeys(("rnnkit", "peer"), version("rnnkit"))


def test_processes_train(processes):
    assert len(processes.load_training(2, 3, RNN)) == 2


def test_a_net_is_handed_over_as_it_is(tmp_path):
    net = instances.draw_net(np.random.default_rng(0), RNN)
    instances.write(tmp_path / "net", net)
    for sent, got in zip(net, instances.read(tmp_path / "net", instances.shapes(RNN), "float32"), strict=True):
        np.testing.assert_array_equal(got, sent)


def test_a_contender_that_ends_is_named():
    command = environments.Command([sys.executable, "-c", "input()"], {})
    with Contenders({"peer": command}) as found, pytest.raises(RuntimeError, match="peer ended at: load rnn 7"):
        found.load(RNN)


def test_answers_that_differ_are_refused():
    with pytest.raises(ArithmeticError, match=r"other way and rnnkit differ by 1\.0e-01"):
        check_agreement(Run("other", "way"), [np.full(3, 1.1)], [np.ones(3)], "float32")


def test_only_ways_near_their_librarys_best_go_on():
    times = {Run("a", "x"): [1.0], Run("a", "y"): [1.4], Run("a", "z"): [1.6], Run("b", "x"): [2.9]}
    assert promising(times) == [Run("a", "x"), Run("a", "y"), Run("b", "x")]
    assert promising(times | {Run("b", "x"): [3.1]}) == [Run("a", "x"), Run("a", "y")]


def test_the_limit_of_a_batch_is_its_flops_at_the_rate_of_the_large_product():
    sizes = instances.Sizes("lstm", 128, 20, 50)
    flops = 4 * (6 * 50 * 20 * 128**2 + 4 * 50 * 20 * 128 * 6)
    assert limits.limit_seconds(sizes, 1e9, 2) == pytest.approx(flops / 1e9)


def test_the_limit_of_one_row_is_the_weights_at_the_rate_of_the_caches(monkeypatch):
    monkeypatch.setattr(limits, "read_rate", lambda bytes_, cores: 1e9 * cores)
    seconds = limits.limit_seconds(instances.Sizes("rnn", 128, 1, 50), 1e9, 2)
    assert seconds == pytest.approx((2 * 50 * 4 * 134 * 128) / 2e9 + 2 * 50 * 134 * 128 / 1e9)


def test_caches_are_read_at_some_rate():
    assert 1e8 < limits.read_rate(2**16, 1) < 1e13


def test_the_best_of_all_peers_counts():
    times = {Run("rnnkit", "default"): 1e-3, Run("jax", "a"): 3e-3, Run("jax", "b"): 2e-3, Run("torch", "c"): 9e-3}
    row = benchmark.row_of(times, dict.fromkeys(times, 0.5), 5e-4)
    assert (row["jax_us"], row["torch_us"]) == pytest.approx((2000, 9000))
    assert (row["best_peer"], row["best_peer/rnnkit"], row["limit_share"]) == ("jax", 2.0, 0.5)


def test_cells_under_a_target_are_named():
    cells = {"H": [16, 128], "B": [1, 20], "T": [50, 50], "best_peer/rnnkit": [0.5, 2.0], "limit_share": [0.4, 0.9]}
    lines = page.summary({"gru": pd.DataFrame(cells)}).splitlines()
    assert lines[2] == "| GRU: geometric mean at least 1.7x the best peer | 1.00x | |"
    assert lines[3] == "| GRU: every cell at least 1.0x | 0.50x | 16, 1, 50 |"
    assert lines[4] == "| GRU: at least 80% of its limit where under 1.5x | 1 cells are not | 16, 1, 50 |"


def test_ratios_stand_by_kind_and_size():
    cells = {"H": [16, 16, 100, 512], "B": [1, 20, 20, 128], "best_peer/rnnkit": [0.5, 2.0, 1.5, 1.0]}
    lines = page.classes({"lstm": pd.DataFrame(cells)}).splitlines()
    assert [line.split("|")[2].strip() for line in lines] == [
        "LSTM", ":--------------------", "1.11 (0.50 to 2.00)", "0.50 (0.50 to 0.50)", "2.00 (2.00 to 2.00)",
        "1.50 (1.50 to 1.50)", "1.00 (1.00 to 1.00)",
    ]  # fmt: skip


def test_a_peer_that_cannot_be_had_is_left_out_with_a_reason(monkeypatch, tmp_path):
    monkeypatch.setattr(environments.shutil, "which", lambda name: None)
    with pytest.raises(environments.MissingError, match=r"there is no g\+\+"):
        environments.onednn_binary(tmp_path)
    with pytest.raises(environments.MissingError, match="failed: no space"):
        environments.run([sys.executable, "-c", "import sys; sys.exit('no space')"])


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
