"""Products of a large layer and a few rows, shared by two threads: the bytes of one, whoever makes which half."""

import threading
import time

import numpy as np
import pytest
from numba import config
from one_layer import GATES, calls, same

from rnnkit import RNN, kernels, parallel
from rnnkit.kernels.engine import team
from rnnkit.kernels.products import empty_pack, pack_rows, product, tile_for
from rnnkit.parallel import layers, pool

PATIENCE = 60  # seconds in which a thread gets its turn on any machine
pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="one thread does all")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("H", "B"), [(256, 1), (200, 3), (333, 15)])
@pytest.mark.parametrize("kind", GATES)
def test_the_bytes_of_one_thread(kind, H, B, dtype):
    run, W_hh = calls(kind, H, B, 20, dtype)
    assert W_hh.size >= layers.LEAST_SHARED
    wanted = run(kernels)
    assert all(same(run(parallel), wanted) for _ in range(5))


def test_calls_at_a_time_each_get_their_own():
    run, _ = calls("rnn", 256, 1, 30, "float32")
    wanted, found = run(kernels), []
    threads = [threading.Thread(target=lambda: found.append(same(run(parallel), wanted))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 6


def test_without_other_threads_the_owner_does_all():
    run, _ = calls("gru", 200, 2, 10, "float32")
    before, wanted = parallel.get_num_threads(), run(kernels)
    try:
        parallel.set_num_threads(1)
        assert same(run(parallel), wanted)
    finally:
        parallel.set_num_threads(before)


@pytest.mark.parametrize("options", [{"layers": 2}, {"bidirectional": True}])
def test_networks_with_lengths(options, monkeypatch):
    net = RNN(5, 200, 2, **options)
    x, lengths = np.random.default_rng(0).integers(5, size=(30, 3)), np.array([30, 4, 17])
    dy = np.random.default_rng(1).standard_normal((30, 3, 2)).astype(np.float32)
    trace = net.forward(x, lengths=lengths)
    found = trace.y.copy(), net.backward(trace, dy).flat
    monkeypatch.setattr(layers, "LEAST_SHARED", 1 << 40)
    trace = net.forward(x, lengths=lengths)
    assert same(found, (trace.y, net.backward(trace, dy).flat))


def test_a_helper_makes_right_halves_until_the_owner_ends():
    words, rng = team.new_team(), np.random.default_rng(0)
    A, W = rng.standard_normal((1, 128)), rng.standard_normal((128, 256))
    P, C = empty_pack(128, 256, A.dtype), np.zeros((1, 256))
    pack_rows(W, 0, 256, P, 0)
    tile = tile_for(1, P.shape[0])
    alone = np.zeros_like(C)
    product(alone, 0, A, 0, 1, P, tile, 0)
    helper = threading.Thread(target=team.help_team, args=(words, A))
    helper.start()
    until = time.monotonic() + PATIENCE
    while (words[team.POSTED] < 100 or words[team.DONE] == 0) and time.monotonic() < until:
        C[:] = np.nan
        team.share_product(words, C, 0, A, 0, 1, P.reshape(-1), 0, P.shape[0], 128, tile, 0)
        assert C.tobytes() == alone.tobytes()
    team.end_team(words)
    helper.join(PATIENCE)
    assert not helper.is_alive()
    assert words[team.DONE] > 0  # the number of the last job that the helper did


def test_calls_soon_after_a_stall_have_no_helper():
    x, W_h, words = np.zeros((5, 1, 2)), np.zeros(100), pool.new(1, 0.0)
    assert layers.team_for(words, x, W_h).size
    words[pool.ALONE] = 1000  # multiplications: two calls of 5 steps
    assert not layers.team_for(words, x, W_h).size
    assert not layers.team_for(words, x, W_h).size
    assert layers.team_for(words, x, W_h).size
    words[pool.WORKERS] = 0
    assert not layers.team_for(words, x, W_h).size


def test_a_helper_that_stalls_again_and_again_is_left_alone_for_longer_and_longer():
    words, well, stalled = pool.new(1, 0.0), team.new_team(), team.new_team()
    stalled[team.STALLED] = 1
    pauses = []
    for _ in range(10):
        layers.back_off(words, stalled, 1000)
        pauses.append(int(words[pool.ALONE]))
    assert pauses == [min(layers.LEAST_ALONE << i, layers.MOST_ALONE) for i in range(10)]
    words[pool.ALONE] = 0
    for _ in range(40):
        layers.back_off(words, well, 1000)
    assert words[pool.ALONE] == words[pool.BACKOFF] == 0
    layers.back_off(words, stalled, 1000)
    assert words[pool.ALONE] == layers.LEAST_ALONE


@pytest.mark.parametrize(("pauses", "is_stall"), [(2600, False), (2700, True)])
def test_a_wait_is_a_stall_where_it_costs_half_of_what_the_helper_spares(pauses, is_stall):
    words, waited = pool.new(1, 0.0), team.new_team()
    words[pool.SPINS], waited[team.STALLED] = 1000, pauses  # 1000 pauses are 50 us
    layers.back_off(words, waited, 50 * 512 * 512)  # may wait for 131 us
    assert (words[pool.ALONE] > 0) == is_stall
