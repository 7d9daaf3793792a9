"""Nets on real data: images read pixel by pixel or row by row, chorales, a text of one's own (claims R1 to R4).

Method. A net is trained with Adam on draws from a training part for a fixed number of updates, and then reads the whole
test part once, which had no say in anything: `stop` is never. `error` is the share of wrong outputs there, `test_loss`
the negative log-likelihood in nats an output: an image's class, a chord's pitches together, a character (over ln 2:
bits). Standard errors are of two kinds joined: between nets, and over the sequences of the test part, which all nets
share; `error_low` and `error_high` are of the latter alone, at 95%, Wilson's where a sequence has one output. Beside
them stand the best constant (`chance_error`, `constant_loss`), and for chorales and texts what can be told from the
step before alone (`previous_error`, `previous_loss`): frequencies of the training part, scored on the test part.

    digits_pixels    8 x 8 digits of scikit-learn, 64 steps; the first 1,500 are trained on, 297 are for tests
    fashion_rows     Fashion-MNIST, 28 steps of 28 numbers, its own two parts; Debian's package dataset-fashion-mnist
    fashion_pixels   the same, 784 steps of one number
    chorales         Bach's, of PyPI's music21, in quarter notes; every fifth is for tests. The split and the encoding
                     are our own, so these are not the numbers in print for the JSB chorales
    TEXT.txt         a text by its path: the next character; the last tenth is for tests

    python experiments/real_data.py -m task=digits_pixels,chorales net=tanh,lstm,gru clip=none,1.0 out=DIR
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from common import held_out
from common.cells import by_cell
from common.training import COLUMNS, TrainingConfig, of_nets, train_nets
from matplotlib.axes import Axes
from pydantic import Field, field_validator, model_validator

from rnnkit.parallel import map_replicates
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.formats import NO_CLIP, spelt
from rnnkit.runner.tables.style import NAMES
from rnnkit.statistics import mean, standard_error
from rnnkit.tasks import DATA_SETS, DataSet, load

BUDGET_MINUTES = {"quick": 0.25, "laptop": 30.0}
OF_TESTS = ["error_se", "error_low", "error_high", "test_loss_se"]
OF_DATA = ["previous_error", "previous_loss", "n_train", "n_test"]
WITHOUT_SPREAD = ("error_low", "error_high")  # of the test part alone
PIXELS = ("digits_pixels", "fashion_pixels")
ENOUGH_UPDATES = 2000  # a net that trains for less decides nothing
OWN = "our own baseline, this file"
LEARNS = Claim(
    claim="R1",
    class_="direction",
    kind="below",
    statement="{what}: error over that of the best constant",
    source=OWN,
    bar=0.5,
    reason="half of the error of the commonest class",
)
STEP_BEFORE = Claim(
    claim="R2",
    class_="direction",
    kind="below",
    statement="{what}: loss less that of the step before",
    source=OWN,
    bar=0.0,
    reason="what needs no memory but of one step",
)
GATES = Claim(
    claim="R3",
    class_="direction",
    kind="above",
    statement="{task}, {updates:,} updates: error of tanh less that of {gated}, paired nets",
    source="our own direction, after Le, Jaitly, Hinton 2015 on 784 pixels (recalled)",
    bar=0.0,
    reason="a direction without a size",
)
CLIP_COSTS = Claim(
    claim="R4",
    class_="direction",
    kind="below",
    statement="{net} on {task}, {updates:,} updates: loss that clip 1 adds, paired nets, in units of the constant's",
    source="our own direction, after Pascanu, Mikolov, Bengio 2013 on music and text (recalled)",
    bar=0.02,
    reason="a fiftieth of what the best constant has left to learn",
)


class Config(TrainingConfig):
    """Keys of a job."""

    seq_len: int = Field(
        ge=1, le=1_000_000, description="none (that of the data) or an integer from 1 to 1000000 (as the data allow)"
    )
    stop: Literal["never"] = Field("never", description="never (or the test part would choose the net it judges)")

    @model_validator(mode="before")
    @classmethod
    def _length_of_the_data(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("seq_len") == "none":
            try:
                return values | {"seq_len": load(values.get("task")).seq_len}
            except (ValueError, AttributeError):  # the task's own fault is told
                return values | {"seq_len": 1}
        return values

    @field_validator("task")
    @classmethod
    def _of_data(cls, value: str) -> str:
        if not isinstance(load(value), DataSet) or Path(value).suffix == ".py":
            raise ValueError(f"task must be one of {', '.join(DATA_SETS)}, or the path of a .txt file, got {value}")
        return value


def measure(config: Config) -> Measurement:
    """Train the nets of one job, and let each read the test part."""
    nets, task, length = train_nets(config), config.the_task, config.seq_len
    measured = of_nets(config, nets)
    found = map_replicates(lambda i: held_out.read_test_part(task, length, nets[i]), len(nets))
    of_each, joint = held_out.of_nets(found)
    for row, columns in zip(measured.nets, of_each, strict=True):
        row |= columns
    before = held_out.summary(task.previous_scores(length)) if task.previous else None
    measured.row |= joint | {
        "chance_error": held_out.summary(task.constant_scores(length)).error,
        "previous_error": before and before.error,
        "previous_loss": before and before.test_loss,
        "n_train": task.n_train,
        "n_test": task.n_test,
    }
    return measured


def draw(folder: Path) -> None:
    """Draw error and loss on the test part, a panel for each data set, beside the baselines."""
    table, by = by_cell(read(folder).table, "net")
    tasks = list(dict.fromkeys(table.task))
    figure, panels = plt.subplots(2, len(tasks), figsize=(2.6 + 3 * len(tasks), 6), squeeze=False, layout="constrained")
    for (above, below), task in zip(panels.T, tasks, strict=True):
        rows, text = table[table.task == task], task not in DATA_SETS
        unit, per = ("bits a character", np.log(2)) if text else ("nats an output", 1.0)
        _points(above, rows, by, "error", ("chance_error", "previous_error"), 1.0)
        _points(below, rows, by, "test_loss", ("constant_loss", "previous_loss"), per)
        above.set(title=f"{Path(task).stem}, {rows.n_test.iloc[0]:,} for tests", ylabel="share of outputs wrong")
        below.set(ylabel=f"negative log-likelihood,\n{unit}")
    labels = {
        label: line for axes in panels.flat for line, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(labels.values(), labels.keys(), loc="outside right center")
    figure.suptitle(f"test part: means of {table.n.max()} nets, 2 standard errors")
    save(figure, folder / "real_data.png")


def _points(axes: Axes, rows: pd.DataFrame, by: str, y: str, levels: tuple[str, str], per: float) -> None:
    names, arms = list(dict.fromkeys(rows[by])), list(rows.groupby(["clip", "spectral_radius"], dropna=False))
    for i, ((clip, radius), group) in enumerate(arms):
        at = [names.index(name) + 0.15 * (i - (len(arms) - 1) / 2) for name in group[by]]
        bars, label = 2 * group[f"{y}_se"].fillna(0) / per, f"clip {spelt(clip)}, radius {spelt(radius)}"
        axes.errorbar(at, group[y] / per, bars, fmt="o", color=NAMES[i], label=label)
    for level, style, label in zip(levels, (":", "--"), ("best constant", "from the step before"), strict=True):
        if rows[level].notna().any():
            axes.axhline(rows[level].iloc[0] / per, color="0.3", ls=style, lw=1, label=label)
    axes.set_xticks(range(len(names)), names)
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(0, None))


def claims(tables: Tables) -> list[Judgement]:
    """Return R1: half of what chance has wrong; R2: more than the step before; R3: gates; R4: what a clip costs."""
    table = tables.table[tables.table.spectral_radius.map(spelt) == "none"]
    found = [_beside_baseline(row) for row in table[table["clip"] == 1].itertuples()]
    for gated in ("lstm", "gru"):
        pixels = table[(table["clip"] == 1) & table.task.isin(PIXELS)]
        for row, *measured in _pairs(tables, pixels, "net", "tanh", gated, "error"):
            case = {"task": row.task, "updates": row.updates, "gated": gated}
            found.append(GATES.judge(*measured, enough=row.updates >= ENOUGH_UPDATES, **case))
    for row, value, se, n in _pairs(tables, table, "clip", 1.0, NO_CLIP, "test_loss"):
        case = {"net": row.net, "task": row.task, "updates": row.updates}
        measured = value / row.constant_loss, se / row.constant_loss, n
        found.append(CLIP_COSTS.judge(*measured, enough=row.updates >= ENOUGH_UPDATES, **case))
    return found


def _beside_baseline(row: Any) -> Judgement:
    """Return R1 of a job that has no better baseline than a constant, R2 of one that has."""
    case = {"what": f"{row.net} on {row.task}, {row.updates:,} updates", "enough": row.updates >= ENOUGH_UPDATES}
    if np.isnan(row.previous_loss):
        ratio, se = row.error / row.chance_error, row.error_se / row.chance_error
        return LEARNS.judge(ratio, se, row.n, **case)
    return STEP_BEFORE.judge(row.test_loss - row.previous_loss, row.test_loss_se, row.n, **case)


def _pairs(tables: Tables, table: pd.DataFrame, key: str, value: Any, other: Any, column: str) -> Iterator[tuple]:
    """Yield (row, mean, standard error, pairs): nets of each job with `value` less those of its like with `other`.

    Jobs are alike that differ in nothing but `key`; nan where fewer than two nets pair up.
    """
    keys = [name for name in table.columns[: list(table.columns).index("out")] if name != key]
    alike = table[table[key] == value].merge(
        table[table[key] == other][[*keys, "out"]], on=keys, suffixes=("", "_other")
    )
    nets = {out: of_job.set_index("replicate")[column] for out, of_job in tables.nets.groupby("out")}
    for row in alike.itertuples():
        first, second = (nets.get(out, pd.Series(dtype=float)) for out in (row.out, row.out_other))
        ahead = (first - second).dropna().to_numpy(float)
        se = standard_error(ahead)
        yield (row, np.nan, np.nan, len(ahead)) if se is None else (row, mean(ahead), se, len(ahead))


EXPERIMENT = Experiment(__file__, Config, measure, [*COLUMNS, *OF_TESTS, *OF_DATA], draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
