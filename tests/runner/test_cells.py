"""A user's cell from the command line: its file, its constants, their part in a job's identity, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from cell_cases import FOLDER, LEAKY
from commands import command
from common.training import TrainingConfig

from rnnkit.cells import CELLS
from rnnkit.runner.jobs import store
from rnnkit.runner.tables import read

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
REFUSED = [
    ("cell=leeky.py", "a .py file with one, got leeky.py, which cannot be read (No such file or directory)"),
    (
        "cell=leaking",
        f"cell must be one of {', '.join(CELLS)}, or the path of a .py file with one, got",
    ),
    ("cell={leaky} constants.beta=1", "unknown key constants.beta=1: known of cell=Leaky are constants.alpha"),
    ("cell={leaky} constants.alpha=x", "constants.alpha must be a finite number, as constants.<name>=<number>"),
    ("cell={leaky} constants.alpha=nan", "constants.alpha must be a finite number, as constants.<name>=<number>"),
    ("constants.alpha=0.1,0.2", "unknown key constants.alpha=0.1: known of cell=tanh are none"),
    (
        "cell={no_w_hh} spectral_radius=1",
        "spectral_radius=1.0 cannot be combined with cell=MinGRU: it has no recurrent",
    ),
    ("cell={wrong}", "line 14: Leaky: step must take (a, h, alpha)"),
]


@pytest.fixture
def cells(tmp_path):
    texts = {"leaky": LEAKY, "wrong": LEAKY.replace("(a, h, alpha)", "(a, h)")}
    paths = {name: tmp_path / f"{name}.py" for name in texts}
    for name, path in paths.items():
        path.write_text(texts[name])
    return paths | {"no_w_hh": FOLDER / "min_gru.py"}


def flow(tmp_path, *words):
    small = ("hidden_size=6", "batch_size=2", "replicates=2", "seq_len=75", f"out={tmp_path / 'out'}")
    return command(EXPERIMENTS / "gradient_flow.py", "-m", *small, *words)


def test_a_sweep_over_a_constant_of_a_users_cell(tmp_path, cells):
    done = flow(tmp_path, f"cell={cells['leaky']}", "constants.alpha=0.2,0.6", "spectral_radius=0.5,1.5", "clip=1.0")
    assert done.returncode == 0, done.stderr
    table = read(tmp_path / "out").table
    assert list(table["constants.alpha"]) == [0.2, 0.2, 0.6, 0.6]
    assert (table.growth_rate.diff()[[1, 3]] > 0).all()  # a larger radius vanishes less
    assert table.growth_rate[0] > table.growth_rate[2]  # so does a slower unit
    assert table.cell_sha256.nunique() == 1
    again = flow(tmp_path, f"cell={cells['leaky']}", "constants.alpha=0.2,0.6", "spectral_radius=0.5,1.5", "clip=1.0")
    assert "4 by an earlier start" in again.stdout
    cells["leaky"].write_text(LEAKY.replace("alpha * tanh", "0.5 * alpha * tanh"))
    changed = flow(tmp_path, f"cell={cells['leaky']}", "constants.alpha=0.2,0.6", "spectral_radius=0.5,1.5", "clip=1.0")
    assert "earlier start" not in changed.stdout
    assert not np.isclose(read(tmp_path / "out").table.growth_rate, table.growth_rate, rtol=1e-3).any()


def test_a_default_constant_is_the_same_job_as_it_given(cells):
    keys = {"seed": 0, "out": "x", "task": "adding_le", "cell": str(cells["leaky"])}
    given = [TrainingConfig(**keys, constants=c).scientific() for c in ({}, {"alpha": 0.1}, {"alpha": 0.2})]
    assert store.identity(given[0]) == store.identity(given[1]) != store.identity(given[2])
    assert given[0]["constants.alpha"] == 0.1
    assert "cell" not in TrainingConfig(seed=0, out="x", task="adding_le").scientific()


def test_shipped_cells_of_several_states_tell_the_growth_of_each(tmp_path):
    done = flow(tmp_path, "cell=lstm,gru,tanh", "spectral_radius=1")
    assert done.returncode == 0, done.stderr
    table = read(tmp_path / "out").table
    assert table.growth_rate_of_states[0].startswith("h -")
    assert ", c -" in table.growth_rate_of_states[0]
    assert table.growth_rate_of_states[1:].isna().all()
    assert np.isfinite(table.growth_rate).all()


def test_a_cell_without_recurrent_weights_needs_no_radius(tmp_path, cells):
    done = flow(tmp_path, f"cell={cells['no_w_hh']}")
    assert done.returncode == 0, done.stderr
    table = read(tmp_path / "out").table
    assert table.spectral_radius_achieved.isna().all()
    assert (table.growth_rate < 0).all()


def test_a_users_cell_is_trained(tmp_path, cells):
    words = [
        "task=adding_le",
        "seq_len=10",
        "net=tanh",
        "updates=50",
        "check_every=25",
        "check_size=100",
        "replicates=2",
    ]
    words += ["constants.alpha=0.5", "hidden_size=5", f"cell={cells['leaky']}", f"out={tmp_path / 'out'}"]
    done = command(EXPERIMENTS / "temporal_order.py", *words)
    assert done.returncode == 0, done.stderr
    assert list(read(tmp_path / "out").table["constants.alpha"]) == [0.5]


@pytest.mark.parametrize(("words", "message"), REFUSED, ids=[words for words, _ in REFUSED])
def test_what_is_refused(tmp_path, cells, words, message):
    done = flow(tmp_path, *words.format(**cells).split())
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
