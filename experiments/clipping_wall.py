"""The wall in an error surface, and what clipping does there (claim C1).

Method. One sigmoid unit x_t = w sigma(x_{t-1}) + b, x_0 = .5, E = (sigma(x_50) - .7)^2: Fig. 6 of Pascanu, Mikolov,
Bengio (2013). Three parts:

a. Saddle-nodes at w = 5. A fixed point x has b = x - w sigma(x). Between a maximum and a minimum of this curve three
   fixed points share one b; at either two of them meet and are gone. Both are found by minimising, without derivatives.
b. The wall. Along b from -3.5 to -2 at steps of `b_step`: where is the gradient (dE/dw, dE/db) longest, and how long?
   Its height depends on the step where the wall is thinner than that, so beside it stands the height at the wall's own
   top, found by grids ever finer.
c. Descent on (w, b) with the full gradient, from random starts w ~ U(4.5, 7), b ~ U(-3.5, -2), the same starts for
   every `clip`: the largest norm of the gradient. Solved: E < .001 after the last update; E < .001 after any update
   (first passage) is counted beside it. A start that ends non-finite is unsolved.

d. Their section 2.3: of a linear unit x_t = w x_{t-1} the first derivative in w is t x_0 w^(t-1) and the second
   t (t-1) x_0 w^(t-2), so that where one explodes the other does, which makes a wall. BPTT at t = 50 against the first,
   central differences of BPTT against the second, at w = .9 and 1.1.

The map is theirs, the numbers it is held against are not: places, height and shares were found for this project before,
with code of its own. For w >= 5 the wall stands where the start is an unstable fixed point, b = x_0 - w sigma(x_0).

    python experiments/clipping_wall.py -m clip=none,1.0,0.1 out=DIR
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from pydantic import Field
from scipy.optimize import minimize_scalar
from scipy.special import expit

from rnnkit.kernels import IDENTITY, rnn_backward, rnn_forward
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig, PositiveOrNone, number
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import learning_curves, save
from rnnkit.runner.tables.formats import NO_CLIP, spelt
from rnnkit.statistics import paired_difference, share_se

BUDGET_MINUTES = {"quick": 0.03, "laptop": 0.1}
STEPS, X_0, TARGET, SOLVED = 50, 0.5, 0.7, 1e-3
LOW, HIGH = np.array([4.5, -3.5]), np.array([7.0, -2.0])  # of the starts: w, b
SADDLE_W, WALL_W = 5.0, (4.5, 5.0, 5.5)
LINEAR_W, H_STEP = (0.9, 1.1), 1e-5
EVERY = 10  # updates between two rows of the history
COLUMNS = [
    "share_solved",
    "share_solved_se",
    "share_solved_ever",
    "clip_fraction",
    "largest_norm",
    "nonfinite",
    "saddle_upper_b",
    "saddle_lower_b",
    *(f"linear_{what}_{w:g}" for what in ("first", "second") for w in LINEAR_W),
    *(f"{what}_{w:g}" for what in ("wall_b", "wall_height", "wall_top") for w in WALL_W),
    "status",
    "n",
]
FINE = 1e-5  # on a coarser grid the wall is not judged
SADDLES = {"upper": -2.3444, "lower": -2.6556}
WALLS = {4.5: (-2.303, 0.0005), 5.0: (-2.6123, 0.00005), 5.5: (-2.9235, 0.00005)}  # b, half a unit of its last digit
SHARES = {NO_CLIP: (0.08, 0.07), 1.0: (0.5, 0.13), 0.1: (0.1, 0.08)}  # of 60 starts, two standard errors
SAME_STARTS = "the same starts"
DERIVED = "derived for this project on the map of Pascanu, Mikolov, Bengio 2013, Fig. 6; not in print"
SADDLE = Claim(
    claim="C1a",
    class_="check",
    kind="equal",
    statement=f"w = {SADDLE_W:g}: b of the {{which}} saddle-node",
    source="sigma (1 - sigma) = 1/w at a saddle-node",
    margin=0.00005,
    reason="the closed form to four decimals, half a unit of the last",
)
WALL = Claim(
    claim="C1b",
    class_="check",
    kind="equal",
    statement="w = {w:g}: b of the wall, grid step {step:g}",
    source=DERIVED,
    reason="found before by a grid of its own, half a unit of the last digit",
)
HEIGHT = Claim(
    claim="C1c",
    class_="check",
    kind="equal",
    statement="w = 4.5: height of the wall, norm of (dE/dw, dE/db), grid step {step:g}",
    source=DERIVED,
    bar=157.0,
    margin=0.5,
    reason="found before by a grid of its own, half a unit of the last digit; for w >= 5 it grows with the grid",
)
LINEAR = Claim(
    claim="C1g",
    class_="check",
    kind="equal",
    statement=f"linear unit, w = {{w:g}}: {{which}} derivative of x_{STEPS} in w over the closed form",
    source="Pascanu, Mikolov, Bengio 2013, section 2.3",
    bar=1.0,
    margin=1e-4,
    reason="a central difference at a step of 1e-5 is off by some (t h)^2 / 6 w^2 = 1e-7, rounding by 1e-9 / h",
)
SHARE = Claim(
    claim="C1d",
    class_="check",
    kind="equal",
    statement=f"descent, clip {{clip}}: share of starts that end with E < {SOLVED}",
    source="a pilot of this project with 60 starts; not in print",
    reason="the share of those 60, two standard errors of a share of 60",
)
CLIP_HELPS = Claim(
    claim="C1e",
    class_="direction",
    kind="above",
    statement="descent from the same starts: share solved at clip 1 - at clip {clip}",
    source="Pascanu, Mikolov, Bengio 2013, Fig. 6; that a clip of .1 is too slow is derived here",
    bar=0.2,
    reason="a fifth of the starts at least; the 60 of the pilot differ by .42 and .40",
)


class Config(JobConfig):
    """Keys of a job."""

    clip: PositiveOrNone
    learning_rate: float = Field(gt=0, le=100, description="a number above 0, up to 100")
    updates: int = Field(ge=1, le=100_000, description="an integer from 1 to 100000")
    starts: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")
    b_step: float = Field(ge=1e-6, le=0.1, description="a number from 1e-6 to 0.1")


class Descent(NamedTuple):
    """All of a descent: parameters (updates+1, n, 2), E (updates+1, n), norms before clipping (updates, n)."""

    path: np.ndarray
    error: np.ndarray
    norm: np.ndarray


def error_and_gradient(w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return E and (dE/dw, dE/db) on a last axis, the derivatives of x_t carried forward beside x_t."""
    x = np.full(np.broadcast(w, b).shape, X_0)
    dw, db = np.zeros_like(x), np.zeros_like(x)
    for _ in range(STEPS):
        s = expit(x)
        factor = w * s * (1 - s)
        x, dw, db = w * s + b, factor * dw + s, factor * db + 1
    s = expit(x)
    outer = 2 * (s - TARGET) * s * (1 - s)
    return (s - TARGET) ** 2, np.stack([outer * dw, outer * db], axis=-1)


def saddle_nodes(w: float) -> tuple[float, float]:
    """Return the upper and the lower b at which two fixed points meet, for w > 4."""
    upper = minimize_scalar(lambda x: w * expit(x) - x, bounds=(-w, 0), method="bounded", options={"xatol": 1e-9})
    lower = minimize_scalar(lambda x: x - w * expit(x), bounds=(0, w), method="bounded", options={"xatol": 1e-9})
    return -upper.fun, lower.fun


@cache
def wall(w: float, b_step: float) -> tuple[float, float, float]:
    """Return (b, height) of the longest gradient on the grid, and the height at the top of that wall."""

    def longest(b: np.ndarray) -> tuple[float, float]:
        norm = np.linalg.norm(error_and_gradient(np.full_like(b, w), b)[1], axis=-1)
        return float(b[norm.argmax()]), float(norm.max())

    place, height = longest(LOW[1] + b_step * np.arange(round((HIGH[1] - LOW[1]) / b_step) + 1))
    top, step = (place, height), b_step
    while step > 1e-13:
        top, step = longest(top[0] + step * np.linspace(-1, 1, 201)), step / 50
    return place, height, top[1]


@cache
def linear_derivatives(w: float) -> tuple[float, float]:
    """Return the first two derivatives in w of x_t = w x_{t-1} at t = STEPS, by BPTT, over their closed forms."""
    t, one, x = STEPS, np.ones((1, 1)), np.zeros((STEPS, 1, 1))

    def first(w: float) -> float:
        W_hh = np.full((1, 1), w)
        h = rnn_forward(x, X_0 * one, one, W_hh, np.zeros(1), IDENTITY)
        return rnn_backward(one, x, h, one, W_hh, IDENTITY).dW_hh.item()

    second = (first(w + H_STEP) - first(w - H_STEP)) / (2 * H_STEP)
    return first(w) / (t * X_0 * w ** (t - 1)), second / (t * (t - 1) * X_0 * w ** (t - 2))


def random_starts(seed: int, n: int) -> np.ndarray:
    """Return n starts (n, 2): w, b. More starts begin with the same ones."""
    return streams(seed).init.uniform(LOW, HIGH, (n, 2))


def descend(start: np.ndarray, clip: float | None, learning_rate: float, updates: int) -> Descent:
    """Follow the gradient from each start (n, 2); a gradient longer than `clip` is scaled down to it."""
    path, errors, norms = [start], [], []
    with np.errstate(over="ignore", invalid="ignore"):  # past the wall a start may leave float64: found below
        for _ in range(updates):
            error, gradient = error_and_gradient(*path[-1].T)
            norm = np.linalg.norm(gradient, axis=1)
            scale = 1.0 if clip is None else np.minimum(1, clip / np.maximum(norm, 1e-300))[:, None]
            path.append(path[-1] - learning_rate * scale * gradient)
            errors.append(error)
            norms.append(norm)
        errors.append(error_and_gradient(*path[-1].T)[0])
    return Descent(np.stack(path), np.stack(errors), np.stack(norms))


def measure(config: Config) -> Measurement:
    """Descend from all starts; the map's own numbers stand in every row."""
    clip, n = number(config.clip), config.starts
    went = descend(random_starts(config.seed, n), clip, config.learning_rate, config.updates)
    solved, ever = went.error[-1] < SOLVED, (went.error < SOLVED).any(axis=0)
    row = {
        "share_solved": float(solved.mean()),
        "share_solved_se": share_se(int(solved.sum()), n),
        "share_solved_ever": float(ever.mean()),
        "clip_fraction": 0.0 if clip is None else float((went.norm > clip).mean()),
        "largest_norm": float(np.nanmax(went.norm)),
        "nonfinite": int((~np.isfinite(went.error[-1])).sum()),
    }
    row["saddle_upper_b"], row["saddle_lower_b"] = saddle_nodes(SADDLE_W)
    for w in LINEAR_W:
        row[f"linear_first_{w:g}"], row[f"linear_second_{w:g}"] = linear_derivatives(w)
    for w in WALL_W:
        row[f"wall_b_{w:g}"], row[f"wall_height_{w:g}"], row[f"wall_top_{w:g}"] = wall(w, config.b_step)
    starts = [
        {"replicate": i, "w": w, "b": b, "error": went.error[-1, i], "largest_norm": went.norm[:, i].max()}
        for i, (w, b) in enumerate(went.path[0])
    ]
    history = [
        {"update": u, "share_solved": float((went.error[u] < SOLVED).mean())}
        for u in range(0, config.updates + 1, EVERY)
    ]
    return Measurement(row | {"status": "done", "n": n}, starts, history=history)


def draw(folder: Path) -> None:
    """Draw the surface with the paths from one start, and the share solved against updates."""
    tables = read(folder)
    history = tables.history.merge(tables.table[["out", "clip"]], on="out")
    learning_curves(history, "clip", "share_solved", folder / "solved.png", f"share of starts with E < {SOLVED}")
    row = tables.table.iloc[0]
    start = random_starts(row.seed, row.starts)[shown_start(tables)]
    w, b = np.linspace(3.8, HIGH[0], 400), np.linspace(-3.7, -1.6, 500)
    surface, _ = error_and_gradient(w[:, None], b[None])
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), width_ratios=(1.4, 1))
    shades = left.pcolormesh(b, w, surface, cmap="Greys", shading="auto", rasterized=True)
    figure.colorbar(shades, ax=left, label="E = (sigma(x_50) - .7)^2")
    left.plot(X_0 - w * expit(X_0), w, color="0.5", lw=1, ls="--", label="x_0 is a fixed point")
    for clip, colour in zip(shown_clips(tables), ("C1", "C0"), strict=False):
        went = descend(start[None], None if clip == NO_CLIP else clip, row.learning_rate, row.updates)
        style = {"color": colour, "lw": 1.2, "label": f"clip {spelt(clip)}"}
        left.plot(went.path[:, 0, 1], went.path[:, 0, 0], marker="o", ms=2, **style)
        left.plot(*went.path[-1, 0, ::-1], "s", color=colour, mec="k", ms=8, zorder=4)
        right.plot(went.error[:, 0], **style)
    left.plot(start[1], start[0], "k*", ms=12, label="start (square: end)")
    left.set(xlim=(b[0], b[-1]), ylim=(w[0], w[-1]), xlabel="b", ylabel="w")
    left.set_title("the wall runs from the upper left to the lower right")
    left.legend(loc="upper right")
    right.axhline(SOLVED, color="0.6", lw=0.8)
    right.set(xlabel="updates", ylabel="E", yscale="log")
    save(figure, folder / "surface.png")


def shown_clips(tables: Tables) -> list[float]:
    """Return NO_CLIP, where it was run, and the largest clip."""
    asked = set(tables.table["clip"])
    return [NO_CLIP] * (NO_CLIP in asked) + sorted(asked - {NO_CLIP}, reverse=True)[:1]


def shown_start(tables: Tables) -> int:
    """Return the first start that ends solved under the largest clip and unsolved without, or 0."""
    ends = tables.nets.merge(tables.table[["out", "clip"]], on="out")
    solved = ends.pivot_table(index="replicate", columns="clip", values="error", aggfunc="last") < SOLVED
    wanted = [solved[clip] == (clip != NO_CLIP) for clip in shown_clips(tables)]
    return int(np.logical_and.reduce(wanted).argmax())


def claims(tables: Tables) -> list[Judgement]:
    """Return C1a the saddle-nodes, C1b the wall, C1c its height, C1d the shares solved, C1e their differences, C1g."""
    table = tables.table
    first = table.iloc[0]
    found = [SADDLE.judge(first[f"saddle_{which}_b"], 0.0, 1, bar=b, which=which) for which, b in SADDLES.items()]
    if first.b_step <= FINE:
        for w, (b, margin) in WALLS.items():
            found.append(WALL.judge(first[f"wall_b_{w:g}"], 0.0, 1, bar=b, margin=margin, w=w, step=first.b_step))
        found.append(HEIGHT.judge(first["wall_height_4.5"], 0.0, 1, step=first.b_step))
    for w in LINEAR_W:
        for which in ("first", "second"):
            found.append(LINEAR.judge(first[f"linear_{which}_{w:g}"], 0.0, 1, w=w, which=which))
    solved = {}
    for row in table[(table.learning_rate == 0.1) & (table.updates == 400)].itertuples():
        solved[row.clip] = (tables.nets[tables.nets.out == row.out].error < SOLVED).to_numpy()
        if row.clip in SHARES:
            share, margin = SHARES[row.clip]
            case = {"bar": share, "margin": margin, "draws": SAME_STARTS, "clip": spelt(row.clip)}
            found.append(SHARE.judge(row.share_solved, row.share_solved_se, row.n, **case))
    for other in (NO_CLIP, 0.1):
        if {1.0, other} <= set(solved):
            difference, se = paired_difference(solved[1.0], solved[other])
            n = len(solved[other])
            found.append(CLIP_HELPS.judge(difference, se, n, draws=SAME_STARTS, clip=spelt(other)))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
