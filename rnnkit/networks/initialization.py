"""How the weights of a network begin: what may be asked for, and the draws."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import scipy

from rnnkit._arguments import check_unmasked, integer, is_integers, number, shown
from rnnkit.cells import Cell
from rnnkit.initializers import INITIALIZERS, glorot, recurrent_weights, scale_to_spectral_radius, spectral_radius
from rnnkit.networks.parameters import gates
from rnnkit.parametrizations import Parametrization

LONGEST_CHRONO = 10**15  # steps; float64 counts further ones no more
LARGEST_FACTOR = 14.0  # ln of what free weights are scaled by, at most, and 1 over it
SAME = 1e-6  # of an orthogonal map the radius is 1, to rounding, whatever scales its free weights


class Initialization(NamedTuple):
    """How weights begin; see `rnnkit.RNN`."""

    initializer: str | np.ndarray
    spectral_radius: float | None
    gain: float | None
    fan_in: int | None
    forget_bias: float | None
    chrono: int | None


def check_initialization(cell: Cell, initialization: Initialization) -> Initialization:
    """Return how weights begin, as plain values; ValueError for what is out of range, or cannot be combined."""
    named = isinstance(initialization.initializer, str)
    check_unmasked("initializer", initialization.initializer)
    if (
        initialization.initializer not in INITIALIZERS
        if named
        else not isinstance(initialization.initializer, np.ndarray)
    ):
        allowed = f"one of {', '.join(INITIALIZERS)} or an array"
        raise ValueError(f"initializer must be {allowed}, got {shown(initialization.initializer)}")
    for name in () if named else ("gain", "fan_in"):
        if (value := getattr(initialization, name)) is not None:
            array = shown(initialization.initializer)
            raise ValueError(f"{name}={value} cannot be combined with initializer={array}: it is for drawn weights")
    if initialization.spectral_radius is not None and initialization.gain is not None:
        raise ValueError(
            f"spectral_radius={initialization.spectral_radius} cannot be combined with gain={initialization.gain}: "
            "both set the scale of W_hh"
        )
    if initialization.fan_in is not None and not (named and initialization.initializer == "sparse"):
        raise ValueError(
            f"fan_in={initialization.fan_in} cannot be combined with initializer={initialization.initializer!r}: "
            "it is for initializer='sparse'"
        )
    for name in ("forget_bias", "chrono"):
        if getattr(initialization, name) is not None and cell.keeps is None:
            given = f"{name}={getattr(initialization, name)}"
            raise ValueError(f"{given} cannot be combined with cell={cell.shown}: it has no gate that keeps the state")
    if initialization.chrono is not None and initialization.forget_bias is not None:
        raise ValueError(
            f"chrono={initialization.chrono} cannot be combined with forget_bias={initialization.forget_bias}: "
            "both set the bias of the gate that keeps the state"
        )
    for name in () if cell.recurrent() else ("initializer", "spectral_radius", "gain", "fan_in"):
        value = getattr(initialization, name)
        if value is not None and not isinstance(value, str):  # an initializer's name may be the default
            raise ValueError(f"{name}={shown(value)} cannot be combined with cell={cell.shown}: it has no W_hh")
    for name, least, most in (("chrono", 3, LONGEST_CHRONO), ("fan_in", 1, None)):
        if getattr(initialization, name) is not None:
            initialization = initialization._replace(
                **{name: integer(name, getattr(initialization, name), least, most)}
            )
    for name, above in (("spectral_radius", 0), ("gain", 0), ("forget_bias", None)):
        if getattr(initialization, name) is not None:
            initialization = initialization._replace(**{name: number(name, getattr(initialization, name), above=above)})
    return initialization


def fill(
    parameters: Mapping[str, np.ndarray],
    hidden_size: int,
    cell: Cell,
    initialization: Initialization,
    rng: np.random.Generator,
    parametrization: Parametrization | None = None,
) -> None:
    """Give every array its first values: weights block by block, biases 0 but for forget_bias and chrono."""
    recurrent = set(cell.recurrent().values())
    for name, array in parameters.items():
        kind = name.split(".")[-1]
        if kind == "W_xh":
            for gate in gates(array, hidden_size):
                gate[:] = glorot(rng, *gate.shape)
        elif kind in recurrent:
            if parametrization is None:
                _fill_recurrent(array, hidden_size, initialization, rng)
            else:
                _fill_recurrent(array, hidden_size, initialization._replace(spectral_radius=None, gain=None), rng)
                _scale_free(array, hidden_size, initialization, parametrization)
        elif kind == "W_hy":
            array[:] = glorot(rng, *array.shape)
        elif kind in cell.per_unit:
            _fill_units(name, array, cell.per_unit[kind], rng)
        else:
            array[:] = 0
            if kind == "b_h":
                _fill_gate_biases(array.reshape(-1, hidden_size), cell, initialization, rng)


def _fill_recurrent(
    W_hh: np.ndarray, hidden_size: int, initialization: Initialization, rng: np.random.Generator
) -> None:
    given = isinstance(initialization.initializer, np.ndarray)
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large is found below
        if given:
            _take_array(W_hh, initialization.initializer)
        for gate in gates(W_hh, hidden_size):
            if not given:
                named = {
                    "radius": initialization.spectral_radius,
                    "gain": initialization.gain,
                    "fan_in": initialization.fan_in,
                }
                gate[:] = recurrent_weights(initialization.initializer, hidden_size, rng, **named)
            elif initialization.spectral_radius is not None:
                gate[:] = scale_to_spectral_radius(gate, initialization.spectral_radius, name="initializer")
    scaled = initialization.gain is not None or initialization.spectral_radius is not None
    if not np.isfinite(W_hh).all() or (scaled and not W_hh.any()):
        name = "gain" if initialization.gain is not None else "spectral_radius"
        raise ValueError(f"{name} must give weights that {W_hh.dtype} can hold, got {getattr(initialization, name)}")


def _scale_free(V: np.ndarray, H: int, initialization: Initialization, parametrization: Parametrization) -> None:
    """Scale free weights, block by block, so that the map of each has the radius or the gain that is asked for."""
    for name, size in (("spectral_radius", spectral_radius), ("gain", _gain)):
        if (wanted := getattr(initialization, name)) is not None:
            for block in gates(V, H):
                block *= _factor(block.astype(np.float64), name, wanted, size, parametrization)


def _gain(W: np.ndarray) -> float:
    return float(np.linalg.norm(W) / np.sqrt(len(W)))


def _factor(V: np.ndarray, name: str, wanted: float, size: Callable, parametrization: Parametrization) -> float:
    def excess(log_factor: float) -> float:
        found = size(parametrization.of(np.exp(log_factor) * V))
        return np.log(max(found, np.finfo(float).tiny)) - np.log(wanted)

    with np.errstate(over="ignore", invalid="ignore"):
        ends = excess(-LARGEST_FACTOR), excess(LARGEST_FACTOR)
        if max(map(abs, ends)) < SAME:
            return 1.0
        if not min(ends) < 0 < max(ends):
            least, most = (wanted * np.exp(end) for end in sorted(ends))
            given = f"{name}={wanted} cannot be combined with parametrization={parametrization.name}"
            raise ValueError(f"{given}: its weights have {least:.4g} to {most:.4g}")
        return float(np.exp(scipy.optimize.brentq(excess, -LARGEST_FACTOR, LARGEST_FACTOR, xtol=1e-14, rtol=1e-14)))


def _take_array(W_hh: np.ndarray, initializer: np.ndarray) -> None:
    if initializer.shape != W_hh.shape:
        raise ValueError(f"initializer must have shape {W_hh.shape}, got {initializer.shape}")
    if initializer.dtype.kind != "f" and not is_integers(initializer):
        raise ValueError(f"initializer must hold real numbers, got {shown(initializer)}")
    W_hh[:] = initializer
    if np.any(initializer) and not W_hh.any():
        raise ValueError(f"initializer must hold numbers that {W_hh.dtype} can hold, got none above {W_hh.max()}")
    if bad := np.argwhere(~np.isfinite(W_hh)).tolist():
        place = tuple(bad[0])
        raise ValueError(f"initializer must be finite in {W_hh.dtype}, got {initializer[place]} at {place}")


def _fill_units(name: str, array: np.ndarray, first: object, rng: np.random.Generator) -> None:
    """Set the first values of a trained number of each unit: one number, or what a function of (rng, H) returns."""
    value = np.asarray(first(rng, len(array)) if callable(first) else first)
    if value.shape not in ((), array.shape) or value.dtype.kind not in "iuf":
        raise ValueError(f"{name}, of the cell's per_unit, must begin as a number or {array.shape}, got {shown(value)}")
    with np.errstate(over="ignore"):
        array[:] = value
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must begin as finite numbers in {array.dtype}, got {shown(value)}")


def _fill_gate_biases(b: np.ndarray, cell: Cell, initialization: Initialization, rng: np.random.Generator) -> None:
    """Set the biases (blocks, H) of the gates that keep and write the state.

    By chrono a gate forgets after 1 to chrono - 1 steps.
    """
    with_bias = list(cell.entered()["b"])
    if initialization.forget_bias is not None:
        if abs(initialization.forget_bias) > float(np.finfo(b.dtype).max):
            raise ValueError(f"forget_bias must be finite in {b.dtype}, got {initialization.forget_bias}")
        b[with_bias.index(cell.keeps)] = initialization.forget_bias
    if initialization.chrono is not None:
        lasting = np.log(rng.uniform(1, initialization.chrono - 1, b.shape[1]))
        b[with_bias.index(cell.keeps)] = lasting
        if cell.writes is not None:
            b[with_bias.index(cell.writes)] = -lasting
