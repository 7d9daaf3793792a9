"""Gradient clipping by joint norm and by value, and four policies for gradients that are not finite.

RAISE   ValueError.
SKIP    all gradients become zero and `skipped` tells the caller to make no update at all.
ZERO    the non-finite entries become zero, the rest is clipped as usual.
SHRINK  Pascanu's rescue: the gradient of W_hh becomes 0.02 W_hh and all others zero, so that a step of gradient
        descent shrinks W_hh by 2% of the learning rate. It also acts on a finite norm above 1e10
        (trainingRNNs, the code published with Pascanu, Mikolov, Bengio 2013).
"""

from typing import NamedTuple

import numpy as np
from numba import literal_unroll

from rnnkit._arguments import check_array, number
from rnnkit._compile.jit import checked_border, jit
from rnnkit.kernels._checks import FLOATS, check_arrays, check_no_overlap, is_code

RAISE, SKIP, ZERO, SHRINK = 0, 1, 2, 3
NONFINITE_POLICIES = {"raise": RAISE, "skip": SKIP, "zero": ZERO, "shrink": SHRINK}
SHRINK_RATE = 0.02
SHRINK_ABOVE = 1e10


class ClipOutcome(NamedTuple):
    """What a clip saw and did.

    norm: joint norm before the clip, over the finite entries. clipped: whether any entry was changed by the limit.
    n_nonfinite: entries that were nan or inf. skipped, shrunk: whether that policy acted.
    """

    norm: float
    clipped: bool
    n_nonfinite: int
    skipped: bool
    shrunk: bool


@jit
def _survey(gradients):
    """Return (largest size L of the finite entries, their joint norm / L, how many are not finite).

    No square overflows, nor does anything where the joint norm itself does.
    """
    largest, bad = 0.0, 0
    for g in literal_unroll(gradients):
        for v in g.flat:
            if not np.isfinite(v):
                bad += 1
            elif abs(v) > largest:
                largest = np.float64(abs(v))
    total = 0.0
    if largest > 0:
        for g in literal_unroll(gradients):
            for v in g.flat:
                if np.isfinite(v):
                    total += (v / largest) ** 2
    return largest, np.sqrt(total), bad


@jit
def _clear(a):
    """Set all to 0; `a[...] = 0` would take half a second to compile."""
    flat = a.ravel()
    for i in range(flat.size):
        flat[i] = 0


@jit
def _apply_policy(gradients, norm, bad, nonfinite, recurrent):
    """Return (skipped, shrunk) after the policy has changed the gradients in place."""
    if nonfinite == SHRINK and (bad > 0 or norm > SHRINK_ABOVE):
        for g in literal_unroll(gradients):
            _clear(g)
        of_weights, weights = recurrent[0].ravel(), recurrent[1].ravel()
        for i in range(weights.size):
            of_weights[i] = SHRINK_RATE * weights[i]
        return False, True
    if bad == 0:
        return False, False
    if nonfinite == RAISE:
        raise ValueError("gradients must be finite")
    for g in literal_unroll(gradients):
        flat = g.ravel()
        for i in range(flat.size):
            if nonfinite == SKIP or not np.isfinite(flat[i]):
                flat[i] = 0
    return nonfinite == SKIP, False


@jit
def _clip_by_norm(gradients, max_norm, nonfinite, recurrent):
    largest, relative_norm, bad = _survey(gradients)
    norm = largest * relative_norm
    skipped, shrunk = _apply_policy(gradients, norm, bad, nonfinite, recurrent)
    clipped = norm > max_norm and not skipped and not shrunk
    if clipped:
        for g in literal_unroll(gradients):
            flat = g.ravel()
            for i in range(flat.size):
                flat[i] = flat[i] / largest * (max_norm / relative_norm)
    return ClipOutcome(norm, clipped, bad, skipped, shrunk)


@jit
def _clip_by_value(gradients, max_value, nonfinite, recurrent):
    largest, relative_norm, bad = _survey(gradients)
    norm = largest * relative_norm
    skipped, shrunk = _apply_policy(gradients, norm, bad, nonfinite, recurrent)
    clipped = largest > max_value and not skipped and not shrunk
    if clipped:
        for g in literal_unroll(gradients):
            flat = g.ravel()
            for i in range(flat.size):
                flat[i] = min(max(flat[i], -max_value), max_value)
    return ClipOutcome(norm, clipped, bad, skipped, shrunk)


def _checked(gradients, limit, limit_name, nonfinite, recurrent):
    """Return the arrays as the kernels take them, (N,) each: gradients, and the two of recurrent."""
    if not isinstance(gradients, tuple) or not gradients:
        raise ValueError(f"gradients must be a non-empty tuple of arrays, got {type(gradients).__name__}")
    for i, g in enumerate(gradients):
        check_array(f"gradients[{i}]", g)
        if g.dtype not in FLOATS or g.dtype != gradients[0].dtype:
            raise ValueError(f"gradients[{i}] must be float32 or float64, all of one dtype, got {g.dtype}")
        if not g.flags.c_contiguous or not g.flags.writeable or not g.size:
            raise ValueError(f"gradients[{i}] must be writeable, C-contiguous and not empty, got shape {g.shape}")
    check_no_overlap({f"gradients[{i}]": g for i, g in enumerate(gradients)}, {})
    number(limit_name, limit, above=0)
    if not is_code(nonfinite, NONFINITE_POLICIES):
        raise ValueError(f"nonfinite must be one of {NONFINITE_POLICIES}, got {nonfinite!r}")
    if nonfinite == SHRINK or recurrent is not None:
        _check_recurrent(gradients, recurrent, nonfinite)
    if nonfinite == RAISE:
        for i, g in enumerate(gradients):
            if bad := np.argwhere(~np.isfinite(g)).tolist():
                raise ValueError(
                    f"gradients[{i}] must be finite, got {len(bad)} non-finite values, the first at {tuple(bad[0])}"
                )
    flat = tuple(g.reshape(-1) for g in gradients)  # of one type, so that no loop over them is unrolled when compiled
    return flat, tuple(a.reshape(-1) for a in recurrent or (gradients[0], gradients[0]))


def _check_recurrent(gradients, recurrent, nonfinite):
    pair = isinstance(recurrent, tuple) and len(recurrent) == 2
    if not pair or not any(recurrent[0] is g for g in gradients):
        wanted = "(dW_hh, W_hh) with dW_hh one of gradients, as the policy SHRINK needs it"
        raise ValueError(f"recurrent must be {wanted}, got {type(recurrent).__name__}")
    check_arrays(dW_hh=recurrent[0], W_hh=recurrent[1])
    if nonfinite == SHRINK:  # which alone reads W_hh
        check_no_overlap({f"gradients[{i}]": g for i, g in enumerate(gradients)}, {"W_hh": recurrent[1]})


@checked_border(_clip_by_norm)
def clip_by_norm(
    gradients: tuple[np.ndarray, ...],
    max_norm: float,
    nonfinite: int = RAISE,
    recurrent: tuple[np.ndarray, np.ndarray] | None = None,
) -> ClipOutcome:
    """Scale all gradients in place so that their joint Euclidean norm is at most `max_norm`.

    gradients: tuple of arrays of one dtype, all trainable gradients of one net, none of them twice.
    nonfinite: RAISE, SKIP, ZERO or SHRINK.
    recurrent: (dW_hh, W_hh), both (H, H), dW_hh one of `gradients`; read by SHRINK only, from njit code always given.
    Raises ValueError naming a bad argument. Pascanu, Mikolov, Bengio (2013), algorithm 1.
    """
    flat, recurrent = _checked(gradients, max_norm, "max_norm", nonfinite, recurrent)
    return _clip_by_norm(flat, float(max_norm), nonfinite, recurrent)


@checked_border(_clip_by_value)
def clip_by_value(
    gradients: tuple[np.ndarray, ...],
    max_value: float,
    nonfinite: int = RAISE,
    recurrent: tuple[np.ndarray, np.ndarray] | None = None,
) -> ClipOutcome:
    """Limit every entry of every gradient, in place, to [-max_value, max_value].

    Arguments, outcome and errors as in `clip_by_norm`. Mikolov, Statistical language models (2012), section 3.
    """
    flat, recurrent = _checked(gradients, max_value, "max_value", nonfinite, recurrent)
    return _clip_by_value(flat, float(max_value), nonfinite, recurrent)
