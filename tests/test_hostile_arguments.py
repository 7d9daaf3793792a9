"""Every wrong argument is refused by name, before any work: hostile values against each public function."""

import re
from functools import cache

import numpy as np
import pytest

import rnnkit
from rnnkit import initializers, kernels, parallel, recipes, rng, statistics
from rnnkit.gradients import (
    finite_size,
    gradcheck,
    jacobians,
    linear_memory,
    log_norms,
    lyapunov,
    record,
    scaled_backward,
    theory,
)
from rnnkit.kernels import TANH
from rnnkit.networks import torch_weights, truncation
from rnnkit.networks.by_state import State
from rnnkit.tasks import TASKS, DelayedEcho, LongLag, Memorization, TemporalOrder, influence_balancing
from rnnkit.training import optimizers, schedules
from rnnkit.training.loop import train

T, B, I, H, O = 4, 3, 3, 2, 3  # noqa: E741
NAN, INF = float("nan"), float("inf")
ARRAYS = (np.array(3), np.ones(1), [1], (1,), {})
NO_INTEGER = (None, "1", 1.5, 2.0, True, NAN, INF, 1j, *ARRAYS)
NO_COUNT = (*NO_INTEGER, 0, -1)
NO_NUMBER = (None, "1", True, NAN, INF, -INF, 1j, 10**400, *ARRAYS)
NO_POSITIVE = (*NO_NUMBER, 0, -1.0)
NO_FLAG = (None, "no", 0, 1, 1.0, np.array(True), [True])
NO_WORD = (None, "other", 0, True, b"tanh", ["tanh"], np.array("tanh"))
NO_SEED = (None, "0", 1.5, True, -1, NAN, [1, 2], np.array(1), np.random.RandomState(0))
NO_GENERATOR = (None, 0, "0", np.random, np.random.RandomState(0))
NO_FUNCTION = (None, 1, "train", [len])
MASKED = np.ma.masked_array(np.ones((T, B, I), np.float32), False)
DRAW = np.random.default_rng(0)
SQUARE = np.eye(H)


def net(**options):
    return rnnkit.RNN(I, H, O, **options)


def refused(values):
    """Leave out what stands for `not given` where that is allowed."""
    return tuple(value for value in values if value is not None)


def protocol(**keys):
    return rnnkit.Protocol(**{"updates": 25, "check_every": 25, "batch_size": 2, "check_size": 2} | keys)


def make_net(generator):
    return recipes.make("tanh", 6, H, 4, generator)


def trained(**keys):
    usual = {"make_net": make_net, "task": TASKS["temporal_order"], "seq_len": 10, "protocol": protocol()}
    return train(**usual | keys)


NET = net()


@cache
def trace():
    """Not at import: it compiles."""
    return NET.forward(X)


X, TARGET = np.ones((T, B, I), np.float32), np.ones((T, B, O), np.float32)
SYMBOLS, CLASSES = np.zeros((T, B), np.int64), np.zeros((T, B), np.int64)
PAIR = rnnkit.EncoderDecoder(I, H, O)
DY = np.ones((T, B, O), np.float32)
SCALED = [SQUARE], [np.ones((I, H)), np.ones(H)], 0.0
NO_FLOATS = (
    None,
    1.0,
    [1.0],
    np.ones((T, B, I), complex),
    np.ones((T, B, I), object),
    np.ones(2),
    np.array(1.0),
    MASKED,
)
NO_INTEGERS = (np.zeros((T, B)), np.zeros((T, B), bool), np.zeros((T, B), complex), np.zeros((T, B), "m8[s]"))
NO_LENGTHS = (5, "5", [2.0, 2, 2], [True] * B, [-1, 2, 2], [T + 1, 2, 2], [2, 2], [[2, 2, 2]], [[1], 2, 2], [None] * B)
NO_LENGTHS += (np.ma.masked_array([2, 2, 2], [0, 1, 0]), np.full(B, 1, "m8[s]"), np.full(B, 2**63, np.uint64))

CASES = [
    ("input_size", lambda v: rnnkit.RNN(v, H), (*NO_COUNT, 10**30)),
    ("input_size=", lambda v: rnnkit.RNN(v, H), (10**30,)),
    ("hidden_size", lambda v: rnnkit.RNN(I, v), NO_COUNT),
    ("output_size", lambda v: rnnkit.RNN(I, H, v), refused(NO_COUNT)),
    ("layers", lambda v: net(layers=v), (*NO_COUNT, 10**30)),
    ("cell", lambda v: net(cell=v), NO_WORD),
    ("output", lambda v: net(output=v), NO_WORD),
    ("bidirectional", lambda v: net(bidirectional=v), NO_FLAG),
    ("dtype", lambda v: net(dtype=v), (None, "float16", np.int64, 32, np.ones(2), ["float32"], "complex64", ">f8")),
    ("seed", lambda v: net(seed=v), NO_SEED),
    ("initializer", lambda v: net(initializer=v), (None, "other", 1, SQUARE.tolist(), SQUARE * 1j, SQUARE > 0)),
    ("initializer", lambda v: net(initializer=v), (SQUARE * NAN, SQUARE + INF, SQUARE * 1e300, np.eye(3), np.ones(2))),
    ("initializer", lambda v: net(initializer=v), (np.ma.masked_array(SQUARE, SQUARE > 0), SQUARE.astype(object))),
    ("spectral_radius", lambda v: net(spectral_radius=v), (*refused(NO_POSITIVE), 1e300)),
    ("gain", lambda v: net(gain=v), (*refused(NO_POSITIVE), 1e300)),
    ("fan_in", lambda v: net(initializer="sparse", fan_in=v), (*refused(NO_COUNT), H + 1)),
    ("forget_bias", lambda v: net(cell="lstm", forget_bias=v), (*refused(NO_NUMBER), 1e300)),
    ("chrono", lambda v: net(cell="gru", chrono=v), (*refused(NO_COUNT), 2)),
    ("B", lambda v: net().initial_state(v), NO_COUNT),
    ("x", lambda v: NET.forward(v), (*NO_FLOATS, *NO_INTEGERS, X.astype(">f4"), X.astype(np.float64), SYMBOLS[0])),
    ("x", lambda v: NET.forward(v), (SYMBOLS - 1, SYMBOLS + I, np.full((T, B), 2**64 - 1, np.uint64))),
    ("lengths", lambda v: NET.forward(X, lengths=v), NO_LENGTHS),
    ("state", lambda v: NET.forward(X, v), (0, "0", np.zeros((1, B, H), np.float32), (None, None))),
    (
        "state.h",
        lambda v: NET.forward(X, State(h=v)),
        (None, 0, np.ma.masked_array(np.zeros((1, B, H), "f4"), False)),
    ),
    ("trace", lambda v: NET.backward(v, DY), (None, 0, (), DY, (DY,) * 8)),
    ("dy", lambda v: NET.backward(trace(), v), (0, DY.tolist(), DY[1:], DY.astype(int), np.ma.masked_array(DY, False))),
    (
        "truncation",
        lambda v: NET.backward(trace(), DY, truncation=v),
        (2, "12", (1,), (0, 2), (2, 1), (1.0, 2), (True, 2)),
    ),
    ("hidden", lambda v: NET.backward(trace(), DY, hidden=v), NO_FLAG),
    ("loss", lambda v: NET.loss_and_gradients(X, TARGET, loss=v), NO_WORD),
    ("loss", lambda v: NET.loss(trace(), TARGET, v), NO_WORD),
    ("trace", lambda v: NET.loss(v, TARGET), (None, 0, DY)),
    ("target", lambda v: NET.loss_and_gradients(X, v), (None, 1, TARGET[1:], TARGET.astype(int), CLASSES, TARGET + 1j)),
    ("target", lambda v: NET.loss_and_gradients(X, v), (np.ma.masked_array(TARGET, False), TARGET.astype(object))),
    (
        "target",
        lambda v: NET.loss_and_gradients(X, v, loss="softmax"),
        (*NO_INTEGERS, CLASSES - 1, CLASSES + O, TARGET),
    ),
    ("target", lambda v: NET.loss_and_gradients(X, v, loss="sigmoid"), (TARGET * 2, -TARGET, TARGET * NAN)),
    ("mask", lambda v: NET.loss_and_gradients(X, TARGET, mask=v), (1, True, np.ones((T, B)), np.ones(T, bool))),
    ("mask", lambda v: NET.loss_and_gradients(X, TARGET, mask=v), (np.ma.masked_array(np.ones((T, B), bool), False),)),
    ("path", lambda v: NET.save(v), (None, 0, 1.5, ["a.npz"])),
    ("path", lambda v: rnnkit.RNN.load(v), (None, 0, 1.5, ["a.npz"])),
    # encoder and decoder
    ("hidden_size", lambda v: rnnkit.EncoderDecoder(I, v, O), NO_COUNT),
    ("output_size", lambda v: rnnkit.EncoderDecoder(I, H, v), (*NO_COUNT, "4")),
    ("seed", lambda v: rnnkit.EncoderDecoder(I, H, O, seed=v), NO_SEED),
    ("target", lambda v: PAIR.loss_and_gradients(X, v), (*NO_INTEGERS, CLASSES[0], CLASSES - 1, CLASSES + O, None)),
    ("target", lambda v: PAIR.loss_and_gradients(X, v), (CLASSES[:, 1:], CLASSES[:0], np.ma.masked_array(CLASSES, 0))),
    ("target_lengths", lambda v: PAIR.loss_and_gradients(X, CLASSES, target_lengths=v), NO_LENGTHS),
    ("lengths", lambda v: PAIR.loss_and_gradients(X, CLASSES, lengths=v), NO_LENGTHS),
    ("x", lambda v: PAIR.generate(v, 2), NO_FLOATS),
    ("steps", lambda v: PAIR.generate(X, v), NO_COUNT),
    ("end", lambda v: PAIR.generate(X, 2, end=v), (*refused(NO_INTEGER), -1, O)),
    # generation
    ("net", lambda v: rnnkit.generate(v, np.array([0]), 2), (None, "net", PAIR)),
    ("first", lambda v: rnnkit.generate(NET, v, 2), (None, 1, np.array([0.9, 0.2]), [0.0], ["0"], [True], [-1], [I])),
    ("first", lambda v: rnnkit.generate(NET, v, 2), (np.ones((2, I + 1)), np.ones((1, I)) * 1j, np.ones((0, I)), [])),
    ("first", lambda v: rnnkit.generate(NET, v, 2), (np.ma.masked_array([0, 1], [0, 1]), np.zeros((1, 1, I)))),
    ("steps", lambda v: rnnkit.generate(NET, [0], v), NO_COUNT),
    ("choose", lambda v: rnnkit.generate(NET, [0], 2, v), refused(NO_FUNCTION)),
    ("what choose returns", lambda v: rnnkit.generate(NET, [0], 2, lambda y: v), (None, 0, [0.0], [I], [0, 0], [True])),
    ("logits", lambda v: rnnkit.sample(v, DRAW), (None, [1.0], np.zeros((2, 2), int), np.zeros((0, 2)), MASKED)),
    ("rng", lambda v: rnnkit.sample(np.zeros((1, 2)), v), NO_GENERATOR),
    ("temperature", lambda v: rnnkit.sample(np.zeros((1, 2)), DRAW, v), NO_POSITIVE),
    # gradients of states, Jacobians
    ("net", lambda v: log_norms.hidden_log_norms(v, trace(), DY), (None, PAIR)),
    ("checkpointing", lambda v: NET.forward(X, checkpointing=v), NO_FLAG),
    ("trace", lambda v: log_norms.hidden_log_norms(NET, v, DY), (None, DY)),
    ("dy", lambda v: log_norms.hidden_log_norms(NET, trace(), v), (None, 0, DY[1:], DY.astype(float))),
    ("dy", lambda v: log_norms.loss_by_state(NET, trace(), v), (None, 0, DY[1:], DY.astype(float))),
    ("layer", lambda v: log_norms.loss_by_state(NET, trace(), DY, v), NO_WORD),
    ("s", lambda v: log_norms.hidden_of_step(NET, trace(), DY, v), (*NO_INTEGER, -1, T)),
    ("net", lambda v: scaled_backward.backward_scaled(v, trace(), NET.initial_state(B)), (None, PAIR)),
    ("trace", lambda v: scaled_backward.backward_scaled(NET, v, NET.initial_state(B)), (None, DY)),
    ("dstate", lambda v: scaled_backward.backward_scaled(NET, trace(), v), (None, 0, DY, NET.initial_state(B + 1))),
    ("layer", lambda v: scaled_backward.log_norms_by_sample(NET, trace(), NET.initial_state(B), v), NO_WORD),
    ("exponents", lyapunov.entropy_rate, (None, "1", [], [NAN], [[1.0]], [INF], [1j])),
    ("exponents", lyapunov.kaplan_yorke_dimension, (None, "1", [], [NAN], [[1.0]], [INF], [1j])),
    ("gain", theory.mean_exponent, (None, "1", 1.0, 0, NAN, INF, 1j)),
    ("trace", lambda v: jacobians.step_jacobian(NET, v, 0), (None, DY)),
    ("net", lambda v: record.gradient_record(v, X, TARGET), (None, PAIR)),
    ("x", lambda v: record.gradient_record(NET, v, TARGET), (*NO_FLOATS, *NO_INTEGERS)),
    ("target", lambda v: record.gradient_record(NET, X, v), (None, 1, TARGET[1:], TARGET.astype(int), CLASSES)),
    ("loss", lambda v: record.gradient_record(NET, X, TARGET, loss=v), NO_WORD),
    ("mask", lambda v: record.gradient_record(NET, X, TARGET, mask=v), (1, True, np.ones((T, B)), np.ones(T, bool))),
    ("t", lambda v: jacobians.step_jacobian(NET, trace(), v), (*NO_INTEGER, -1, T)),
    ("b", lambda v: jacobians.step_jacobian(NET, trace(), 0, v), (*NO_INTEGER, -1, B)),
    ("first", lambda v: jacobians.jacobian_product(NET, trace(), v, 2), (*NO_INTEGER, -1, T)),
    ("last", lambda v: jacobians.jacobian_product(NET, trace(), 1, v), (*NO_INTEGER, -1, T, 0)),
    ("n", lambda v: lyapunov.lyapunov_exponents(NET, trace(), v), (*refused(NO_COUNT), H + 1)),
    ("burn_in", lambda v: lyapunov.lyapunov_exponents(NET, trace(), burn_in=v), (*NO_INTEGER, -1, T)),
    # training
    ("make_net", lambda v: trained(make_net=v), NO_FUNCTION),
    ("make_net", lambda v: trained(make_net=lambda generator: v), (None, 1, PAIR)),
    ("task", lambda v: trained(task=v), (None, "latch", rnnkit.tasks.Task)),
    ("seq_len", lambda v: trained(seq_len=v), (*NO_INTEGER, (10, 20, 30), (20, 10), (10, "20"))),
    ("protocol", lambda v: trained(protocol=v), (None, {}, rnnkit.Protocol)),
    ("seed", lambda v: trained(seed=v), (*NO_SEED, DRAW)),
    ("replicates", lambda v: trained(replicates=v), NO_COUNT),
    ("folder", lambda v: trained(folder=v), (0, 1.5, ["."])),
    ("threads", lambda v: trained(threads=v), refused(NO_COUNT)),
    ("progress", lambda v: trained(progress=v), refused(NO_FUNCTION)),
    *[
        (name, lambda v, name=name: protocol(**{name: v}), NO_COUNT)
        for name in ("updates", "batch_size", "check_every", "check_size", "hold", "record_size")
    ],
    *[
        (name, lambda v, name=name: protocol(**{name: v}), NO_WORD)
        for name in ("optimizer", "clip_mode", "nonfinite", "omega_form", "stop")
    ],
    ("learning_rate", lambda v: protocol(learning_rate=v), (*NO_NUMBER, -1, 1e300)),
    ("hyperparameters", lambda v: protocol(hyperparameters=v), (None, 1, [("mu", 0.9)], {"beta1": 0.9}, {1: 0.9})),
    ("mu", lambda v: protocol(optimizer="momentum", hyperparameters={"mu": v}), (*NO_NUMBER, -0.1, 1.0)),
    ("clip", lambda v: protocol(clip=v), refused(NO_POSITIVE)),
    ("omega", lambda v: protocol(omega=v), (*NO_NUMBER, -1)),
    ("solved_error", lambda v: protocol(solved_error=v), (*NO_POSITIVE, 1.1)),
    ("record_every", lambda v: protocol(record_every=v), (*refused(NO_COUNT), 24, 30)),
    ("frozen", lambda v: protocol(frozen=v), (None, "l0.W_hh", 1, ("l0.W_hh", 1), [None])),
    ("frozen", lambda v: trained(protocol=protocol(frozen=(v,))), ("l0.W", "W_hh")),
    ("name", lambda v: recipes.make(v, I, H, O, DRAW), NO_WORD),
    ("hidden_size", lambda v: recipes.make("basic_tanh", I, v, O, DRAW), NO_COUNT),
    ("output_size", lambda v: recipes.make("basic_tanh", I, H, v, DRAW), NO_COUNT),
    ("rng", lambda v: recipes.make("tanh", I, H, O, v), NO_GENERATOR),
    ("name", lambda v: optimizers.Optimizer(v, 0.1), NO_WORD),
    ("learning_rate", lambda v: optimizers.Optimizer("sgd", v), (*NO_NUMBER, -1, 1e300)),
    ("epsilon", lambda v: optimizers.Optimizer("adam", 0.1, epsilon=v), (*NO_POSITIVE, 1e300)),
    ("parameters", lambda v: optimizers.Optimizer("sgd", 0.1).step(v, {}), (None, [SQUARE], SQUARE)),
    ("gradients", lambda v: optimizers.Optimizer("sgd", 0.1).step({}, v), (None, [SQUARE], SQUARE)),
    ("learning_rate", lambda v: schedules.Constant(v), (*NO_NUMBER, -1)),
    ("patience", lambda v: schedules.HalveOnPlateau(0.1, v), (*NO_INTEGER, -1)),
    ("min_improvement", lambda v: schedules.HalveOnPlateau(0.1, min_improvement=v), (*NO_NUMBER, -1)),
    ("factor", lambda v: schedules.HalveOnPlateau(0.1, factor=v), (*NO_POSITIVE, 1)),
    ("smallest", lambda v: schedules.HalveOnPlateau(0.1, smallest=v), (*NO_NUMBER, -1, 0.2)),
    ("loss", lambda v: schedules.HalveOnPlateau(0.1)(v), (None, "1", 1j, True, [1.0])),
    ("truncation's k1", lambda v: list(truncation.windows(T, v, 2)), NO_COUNT),
    ("T", lambda v: list(truncation.windows(v, 1, 2)), NO_COUNT),
    ("function", lambda v: parallel.map_replicates(v, 2), NO_FUNCTION),
    ("n", lambda v: parallel.map_replicates(abs, v), (*NO_COUNT, 2.5)),
    ("threads", lambda v: parallel.map_replicates(abs, 2, v), refused(NO_COUNT)),
    ("cancelled", lambda v: parallel.map_replicates(abs, 2, 1, v), (False, 0, "no")),
    ("seed", lambda v: rng.streams(v), NO_SEED),
    ("replicate", lambda v: rng.streams(0, v), NO_SEED),
    # tasks
    ("symbols_to_order", TemporalOrder, (*NO_INTEGER, 4)),
    ("alphabet", DelayedEcho, (*NO_INTEGER, 1, 257)),
    ("largest", LongLag, (*NO_INTEGER, 1)),
    ("values", Memorization, (*NO_INTEGER, 1)),
    ("positions", lambda v: Memorization(2, v), NO_COUNT),
    ("n_steps", lambda v: influence_balancing.state(1.0, v), (*NO_INTEGER, -1)),
    ("theta", influence_balancing.fixed_point, NO_NUMBER),
    ("K", influence_balancing.truncated_derivative, (*NO_INTEGER, -1)),
    # initializers
    ("rng", lambda v: initializers.glorot(v, H, H), NO_GENERATOR),
    ("fan_in", lambda v: initializers.glorot(DRAW, v, H), NO_COUNT),
    ("hidden_size", lambda v: initializers.orthogonal(DRAW, v), NO_COUNT),
    ("fan_in", lambda v: initializers.sparse(DRAW, H, v), (*NO_COUNT, H + 1)),
    (
        "W",
        initializers.spectral_radius,
        (None, "W", np.ones((2, 3)), np.ones(2), SQUARE * 1j, SQUARE * NAN, SQUARE[:0]),
    ),
    ("W", initializers.achieved, (None, np.ones((2, 3)), SQUARE * 1j, np.ma.masked_array(SQUARE, SQUARE > 0))),
    ("radius", lambda v: initializers.scale_to_spectral_radius(SQUARE, v), NO_POSITIVE),
    ("initializer", lambda v: initializers.recurrent_weights(v, H, DRAW), NO_WORD),
    ("gain", lambda v: initializers.recurrent_weights("glorot", H, DRAW, gain=v), refused(NO_POSITIVE)),
    # statistics and theory
    ("values", statistics.mean, ("1", [None], [1j], 1.0, np.ma.masked_array([1.0, 2.0], [0, 1]), [[1], [1, 2]])),
    ("n", lambda v: statistics.wilson_interval(1, v), NO_COUNT),
    ("k", lambda v: statistics.wilson_interval(v, 3), (*NO_INTEGER, -1, 4)),
    ("z", lambda v: statistics.wilson_interval(1, 3, v), NO_POSITIVE),
    (
        "first",
        lambda v: statistics.paired_difference(v, np.ones(2, bool)),
        (None, np.ones(2), [1, 0], np.ones(3, bool), []),
    ),
    ("sums", lambda v: statistics.ratio_of_sums(v, np.ones(2)), (None, "1", 1.0, np.ones((2, 1)), np.ones(2) * 1j)),
    (
        "counts",
        lambda v: statistics.ratio_of_sums(np.ones(2), v),
        (None, "1", np.ones(3), np.zeros(2), np.array([2.0, -1.0]), np.array([NAN, 1.0]), np.ones(2) * 1j),
    ),
    ("log_norms", statistics.growth_rates, (None, "1", np.ones(3) * 1j)),
    ("log_norms", statistics.of_net, (None, np.ones(3), np.ones((3, 2)) * 1j)),
    ("mode", lambda v: statistics.clipped_log10(*SCALED, 1.0, v), NO_WORD),
    ("clip", lambda v: statistics.clipped_log10(*SCALED, v, "norm"), refused(NO_POSITIVE)),
    ("gain", lambda v: theory.chi(v, 1.0), (None, "1", -1.0, NAN, INF, 1j, [1j])),
    ("drive_variance", lambda v: theory.chi(1.0, v), (None, "1", -1.0, NAN, INF, 1j)),
    ("hidden_size", lambda v: theory.growth_rate(1.0, 1.0, v), NO_COUNT),
    ("initializer", lambda v: theory.growth_rate(1.0, 1.0, H, v), NO_WORD),
    ("gain", lambda v: finite_size.finite_size(v, 1.0, "gaussian"), (None, "1", -1.0, NAN, INF, 1j)),
    ("drive_variance", lambda v: finite_size.finite_size(1.0, v, "gaussian"), (None, "1", -1.0, NAN, INF, 1j)),
    ("initializer", lambda v: finite_size.finite_size(1.0, 1.0, v), NO_WORD),
    ("activation", lambda v: theory.largest_step(1.0, v), NO_WORD),
    ("sigma_max", lambda v: theory.largest_step(v, "tanh"), (None, "1", -1.0, NAN, 1j)),
    ("hidden_size", theory.independent_product_variances, NO_COUNT),
    ("gain", lambda v: theory.independent_product_exponents(v, H), NO_POSITIVE),
    ("longest", lambda v: theory.kept_by_gates(np.arange(3), v), NO_COUNT),
    ("lags", lambda v: theory.kept_by_gates(v, 30), (None, "1", 1j, -1, NAN)),
    ("W", linear_memory.fisher_memory, (None, "1", np.ones((2, 3)), np.eye(2), np.full((2, 2), NAN), SQUARE * 1j)),
    ("lags", lambda v: linear_memory.memory_capacity(0.5 * np.eye(2), v), (*NO_INTEGER, -1)),
    ("alpha", lambda v: linear_memory.delay_line_fisher(v, H), NO_POSITIVE),
    ("hidden_size", lambda v: linear_memory.delay_line_fisher(1.0, v), NO_COUNT),
    ("spectral_radius", theory.tied_product_rate, (None, "1", -1.0, NAN, 1j)),
    ("lam", theory.memory_variance, (None, "1", 1.0, NAN, 1j)),
    # gradcheck, torch
    ("loss", lambda v: gradcheck.numerical_gradient(v, np.ones(2)), NO_FUNCTION),
    (
        "array",
        lambda v: gradcheck.numerical_gradient(lambda: 0.0, v),
        (None, [1.0], np.ones(2, np.float32), np.ones(0)),
    ),
    ("step", lambda v: gradcheck.numerical_gradient(lambda: 0.0, np.ones(2), v), NO_POSITIVE),
    ("net", lambda v: gradcheck.check_network(v, X, TARGET), (None, PAIR, NET)),
    ("analytic", lambda v: gradcheck.relative_error(v, np.ones(2)), (None, [1.0], np.ones(2, np.float32), np.ones(3))),
    ("net", torch_weights.to_torch, (None, PAIR)),
    ("state_dict", lambda v: torch_weights.from_torch(NET, v), (None, [], 1)),
    (
        "state_dict's weight_hh_l0",
        lambda v: torch_weights.from_torch(NET, torch_weights.to_torch(NET) | {"weight_hh_l0": v}),
        (None, "1", SQUARE * 1j, np.ma.masked_array(SQUARE, SQUARE > 0), np.eye(3)),
    ),
    # kernels
    (
        "activation",
        lambda v: kernels.rnn_forward(np.ones((T, B, I)), np.ones((B, H)), np.ones((I, H)), SQUARE, np.ones(H), v),
        (*NO_INTEGER, -1, 6),
    ),
    (
        "x",
        lambda v: kernels.rnn_forward(
            v, np.ones((B, H), "f4"), np.ones((I, H), "f4"), np.eye(H, dtype="f4"), np.ones(H, "f4"), TANH
        ),
        (*NO_FLOATS, *NO_INTEGERS, SYMBOLS - 1, SYMBOLS + I),
    ),
    ("max_norm", lambda v: kernels.clip_by_norm((np.ones(2),), v), NO_POSITIVE),
    ("max_value", lambda v: kernels.clip_by_value((np.ones(2),), v), NO_POSITIVE),
    ("nonfinite", lambda v: kernels.clip_by_norm((np.ones(2),), 1.0, v), (*NO_INTEGER, -1, 4)),
    ("gradients", lambda v: kernels.clip_by_norm(v, 1.0), (None, (), np.ones(2), [np.ones(2)])),
    (
        r"gradients[0]",
        lambda v: kernels.clip_by_norm((v,), 1.0),
        (None, 1.0, [1.0], np.ones(2, int), np.ones(0), np.ma.masked_array([1.0])),
    ),
    ("learning_rate", lambda v: kernels.sgd(np.ones(2), np.ones(2), v), (*NO_NUMBER, -1)),
    ("step", lambda v: kernels.adam(*np.ones((4, 2)), v, 0.1, 0.9, 0.9, 1e-8), NO_COUNT),
    (
        "p",
        lambda v: kernels.sgd(v, np.ones(2), 0.1),
        (None, [1.0, 1.0], np.ones(2, int), np.ma.masked_array([1.0, 1.0])),
    ),
    ("classes", lambda v: kernels.softmax_cross_entropy(DY, v), (None, [0], *NO_INTEGERS, CLASSES - 1, CLASSES + O)),
    ("y", lambda v: kernels.mse(v, DY), (None, 1.0, DY.astype(int), DY[:0], np.ones(2), np.ma.masked_array(DY))),
    ("mask", lambda v: kernels.mse(DY, DY, v), (1, True, np.ones((T, B)), np.ones(T, bool), np.zeros((T, B), bool))),
    (
        "form",
        lambda v: kernels.omega(np.ones((T, B, H)), np.ones((T + 1, B, H)), SQUARE, TANH, v),
        (*NO_INTEGER, -1, 2),
    ),
]


def labelled():
    """Yield a case for each hostile value: one that is taken names itself."""
    for i, (name, call, values) in enumerate(CASES):
        for value in values:
            yield pytest.param(name, call, value, id=f"{i}-{name}-{type(value).__name__}")


@pytest.mark.parametrize(("name", "call", "value"), list(labelled()))
def test_a_hostile_argument_is_refused_by_name(name, call, value):
    with pytest.raises(ValueError, match=rf"^{re.escape(name)}"):
        call(value)
