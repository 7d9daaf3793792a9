"""Where a gated net at rest begins to move: the gain at which its zero state loses stability (claim L3).

Method. No input, no biases but one of a gate, all recurrent weights of a stated gain. At the zero state a GRU's
Jacobian is z + (1 - z) r W, r = sigma(b_r), z = sigma(b_z), and an LSTM's cells have f + W / 4, f = sigma(b_f), W being
the weights of the candidate: with eigenvalues of W up to the gain, the largest of the Jacobian is 1 where
gain = 1 / sigma(b_r), whatever the update gate, or gain = 4 (1 - sigma(b_f)). Measured twice, by neither formula: the
gain at which the Jacobian of the net itself (`rnnkit.gradients.jacobians`) has its largest eigenvalue on the unit
circle; and whether a small state has grown or faded after `steps` at .9 and 1.1 times the predicted gain. A GRU's reset
gate only scales W, so its three biases are of the same nets at the same share of the critical gain. An orthogonal
W has its eigenvalues on the circle; the rightmost one of a Gaussian W reaches past it, by some percent at 100 units.

    python experiments/gate_stability.py -m cell=gru,lstm gate_bias=-1,0,1 initializer=orthogonal out=DIR
"""

from pathlib import Path
from typing import Any, Literal, Self

import matplotlib.pyplot as plt
import numpy as np
from pydantic import Field, model_validator
from scipy.optimize import brentq
from scipy.special import expit

from rnnkit.gradients.jacobians import step_jacobian
from rnnkit.networks.by_state import State
from rnnkit.networks.rnn import RNN
from rnnkit.parallel import map_replicates
from rnnkit.rng import streams
from rnnkit.runner.claims import Claim, Judgement
from rnnkit.runner.jobs.config import JobConfig
from rnnkit.runner.jobs.experiment import Experiment, Measurement
from rnnkit.runner.sweep import launch
from rnnkit.runner.tables import Tables, read
from rnnkit.runner.tables.figures import save
from rnnkit.runner.tables.style import NAMES
from rnnkit.statistics import mean, share_se, standard_error

BUDGET_MINUTES = {"quick": 0.3}
COLUMNS = ["critical_gain", "critical_gain_se", "critical_gain_theory", "active_below", "active_above", "status", "n"]
BELOW, ABOVE = 0.9, 1.1  # times the predicted gain
SMALL = 1e-6  # size of the state that is let go
MARGIN = {"orthogonal": 0.005, "gaussian": 0.1}  # of the bar
SOURCE = "largest eigenvalue of the zero state's Jacobian, derived in this file"
CRITICAL = Claim(
    claim="L3a",
    class_="theory",
    kind="equal",
    statement="(a) critical gain of the zero state, {case}",
    source=SOURCE,
    reason="relative: .005 of orthogonal W, whose angles are 2 pi / H apart; .1 of Gaussian W, finite size, see above",
)
STRAY = "one net in ten may be on the other side"
QUIET = Claim(
    claim="L3b",
    class_="theory",
    kind="below",
    statement=f"(b) share of nets in which a small state grows, at {BELOW:g} times that gain, {{case}}",
    source=SOURCE,
    bar=0.1,
    reason=STRAY,
)
ACTIVE = Claim(
    claim="L3b",
    class_="theory",
    kind="above",
    statement=f"(b) share of nets in which a small state grows, at {ABOVE:g} times that gain, {{case}}",
    source=SOURCE,
    bar=0.9,
    reason=STRAY,
)
GATE = {"gru": "r", "lstm": "f"}  # the gate that gate_bias is of


class Config(JobConfig):
    """Keys of a job."""

    cell: Literal["gru", "lstm"] = Field(description="gru or lstm")
    gate_bias: float = Field(ge=-4, le=4, description="a number from -4 to 4 (of the reset gate, or the forget gate)")
    update_bias: float = Field(ge=-4, le=4, description="a number from -4 to 4 (of a GRU's update gate; 0 of an LSTM)")
    initializer: Literal["gaussian", "orthogonal"] = Field(description="gaussian or orthogonal")
    hidden_size: int = Field(ge=2, le=4096, description="an integer from 2 to 4096")
    steps: int = Field(ge=10, le=1_000_000, description="an integer from 10 to 1000000")
    replicates: int = Field(ge=2, le=100_000, description="an integer from 2 to 100000")

    @model_validator(mode="after")
    def _an_update_gate(self) -> Self:
        if self.cell == "lstm" and self.update_bias != 0:
            raise ValueError(f"update_bias must be 0 with cell=lstm, got {self.update_bias:g}: it has no update gate")
        return self


def predicted(config: Config | Any) -> float:
    """Return the critical gain of the formulas above, of a job or its row."""
    gate = float(expit(config.gate_bias))
    return 1 / gate if config.cell == "gru" else 4 * (1 - gate)


def make_net(config: Config, replicate: int, gain: float) -> RNN:
    """Return net number `replicate` at this gain: the same draw for each."""
    shape = 1, config.hidden_size, None
    net = RNN(*shape, cell=config.cell, initializer=config.initializer, gain=gain, dtype="float64",
              seed=streams(config.seed, replicate).init)  # fmt: skip
    blocks = list(net.cell.entered()["b"])
    biases = net.parameters["l0.b_h"].reshape(len(blocks), config.hidden_size)
    biases[blocks.index(GATE[config.cell])] = config.gate_bias
    if "z" in blocks:
        biases[blocks.index("z")] = config.update_bias
    return net


def largest_eigenvalue(config: Config, replicate: int, gain: float) -> float:
    """Return the largest modulus of an eigenvalue of the Jacobian at the zero state."""
    net = make_net(config, replicate, gain)
    J = step_jacobian(net, net.forward(np.zeros((1, 1, 1))), 0)
    return float(np.abs(np.linalg.eigvals(J)).max())


def critical_gain(config: Config, replicate: int) -> float:
    """Return the gain at which the largest eigenvalue is 1."""
    below = above = predicted(config)
    while largest_eigenvalue(config, replicate, below) > 1:
        below /= 2
    while largest_eigenvalue(config, replicate, above) < 1:
        above *= 2
    return brentq(lambda gain: largest_eigenvalue(config, replicate, gain) - 1, below, above, rtol=1e-6)


def measure_net(config: Config, replicate: int) -> dict[str, float]:
    """Return one net's critical gain, and whether a small state grows at .9 and 1.1 times the predicted one."""
    row = {"replicate": replicate, "critical_gain": critical_gain(config, replicate)}
    for name, ratio in (("active_below", BELOW), ("active_above", ABOVE)):
        net = make_net(config, replicate, ratio * predicted(config))
        shape = len(net.cell.states), 1, 1, config.hidden_size
        noise = streams(config.seed, replicate).evaluation.standard_normal(shape)
        first = State.of(net.cell.states, list(SMALL * noise))
        last = net.forward(np.zeros((config.steps, 1, 1)), first).state
        row[name] = float(np.linalg.norm(last.h) > np.linalg.norm(first.h))
    return row


def measure(config: Config) -> Measurement:
    """Measure all nets of a job, on all cores."""
    nets = map_replicates(lambda i: measure_net(config, i), config.replicates)
    found = [net["critical_gain"] for net in nets]
    row = {"critical_gain": mean(found), "critical_gain_se": standard_error(found)}
    row |= {"critical_gain_theory": predicted(config)}
    row |= {name: mean([net[name] for net in nets]) for name in ("active_below", "active_above")}
    return Measurement(row | {"status": "done", "n": config.replicates}, nets)


def draw(folder: Path) -> None:
    """Draw critical gains against the gate's bias on the line of each cell."""
    table = read(folder).table
    figure, axes = plt.subplots(figsize=(6, 4.2))
    groups = list(table.groupby(["cell", "initializer", "update_bias"]))
    for i, ((cell, initializer, update), rows) in enumerate(groups):
        rows = rows.sort_values("gate_bias")
        biases = np.linspace(rows.gate_bias.min() - 0.2, rows.gate_bias.max() + 0.2, 200)
        curve = 1 / expit(biases) if cell == "gru" else 4 * (1 - expit(biases))
        axes.plot(biases, curve, color="0.5", lw=1, ls="-" if cell == "gru" else "--")
        label = f"{cell}, {initializer}" + (f", update bias {update:g}" if cell == "gru" else "")
        axes.errorbar(rows.gate_bias + 0.03 * (i - len(groups) / 2), rows.critical_gain, 2 * rows.critical_gain_se,
                      fmt="os^Dv"[i % 5], ms=5, mfc="none", color=NAMES[i % len(NAMES)], label=label)  # fmt: skip
    axes.set(xlabel="bias of the reset gate (gru), of the forget gate (lstm)", ylabel="critical gain of the zero state")
    axes.set_title(f"lines: 1/sigma(b), 4 (1 - sigma(b)); points: mean of {table.n.max()} nets, 2 se")
    axes.legend(fontsize=7)
    save(figure, folder / "critical_gain.png")


def claims(tables: Tables) -> list[Judgement]:
    """Return L3 (a) the critical gain of each job, (b) which side of it nets are on."""
    found = []
    for row in tables.table.itertuples():
        update = f", update bias {row.update_bias:g}" if row.cell == "gru" else ""
        case, bar = f"{row.cell}, gate bias {row.gate_bias:g}{update}, {row.initializer} W", predicted(row)
        measured, margin = (row.critical_gain, row.critical_gain_se, row.n), MARGIN[row.initializer] * bar
        same = f"gru{update}, {row.initializer} W" if row.cell == "gru" else case  # W scaled by the reset gate, no more
        found.append(CRITICAL.judge(*measured, bar=bar, margin=margin, draws=same, case=case))
        if row.initializer == "orthogonal":  # the rightmost eigenvalue of a Gaussian W strays by as much as .1
            for side, share in ((QUIET, row.active_below), (ACTIVE, row.active_above)):
                found.append(side.judge(share, share_se(round(share * row.n), row.n), row.n, draws=same, case=case))
    return found


EXPERIMENT = Experiment(__file__, Config, measure, COLUMNS, draw)

if __name__ == "__main__":
    launch(EXPERIMENT)
