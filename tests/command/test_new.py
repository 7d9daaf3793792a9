"""A study to change: written once, it runs at once, and ends with a table, a picture and a verdict."""

import pandas as pd
import pytest
from commands import command

from rnnkit.command.new import TEMPLATE, write

LONGEST = 60  # lines: it is what a newcomer reads


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Return (how its sweep ended, the folder of the sweep)."""
    folder = tmp_path_factory.mktemp("study")
    line = ("spectral_radius=0.5,3.0", "seq_len=40", "hidden_size=30", f"out={folder / 'out'}")
    return command("-m", "rnnkit", "run", write("mine", folder), "-m", *line), folder / "out"


def test_it_ends_with_table_picture_and_verdict(study):
    done, out = study
    assert (done.returncode, done.stderr) == (0, "")
    table = pd.read_csv(out / "table.csv")
    assert list(table.status) == ["done", "done"]
    assert table.slope[0] < -0.5 < 0 < table.slope[1]  # a small radius fades, a large one explodes
    assert (out / "slope.png").stat().st_size > 1000
    assert list(pd.read_csv(out / "claims.csv").verdict) == ["holds", "fails"]
    assert done.stdout.splitlines()[1:] == [
        f"mine: {out / 'table.csv'}",
        f"mine: claims Y1 1 holds, 1 fails: {out / 'claims.csv'}",
        f"mine: {out / 'index.html'}",
    ]


def test_its_page_has_all_three(study):
    page = (study[1] / "index.html").read_text()
    for part in (
        "<h1>mine</h1>",
        "gradients fade at radius 3",
        '<img alt="slope.png"',
        "rnnkit run ",
        "A study to change",
    ):
        assert part in page


def test_its_keys_are_checked_without_a_configuration_beside_it(tmp_path):
    done = command(
        "-m", "rnnkit", "run", write("mine", tmp_path), "seqlen=3", "replicates=1", f"out={tmp_path / 'out'}"
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "mine: nothing was started",
        "  replicates must be an integer from 2 to 1000, got 1",
        "  unknown key seqlen=3: known are seed, out, force, stale, spectral_radius, seq_len, hidden_size, replicates; "
        "did you mean seq_len?",
    ]
    assert not (tmp_path / "out").exists()


def test_presets_may_stand_in_the_file(tmp_path):
    file = write("mine", tmp_path)
    presets = '{"small": {"sweep": {"seq_len": "2,3"}, "hidden_size": 2}}'
    file.write_text(file.read_text().replace("draw, claims)", f"draw, claims, {presets})"))
    done = command("-m", "rnnkit", "run", file, "preset=small", f"out={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert list(pd.read_csv(tmp_path / "out" / "table.csv")[["seq_len", "hidden_size"]].values.ravel()) == [2, 2, 3, 2]


def test_it_is_short():
    lines = TEMPLATE.read_text().splitlines()
    assert len(lines) <= LONGEST
    assert max(map(len, lines)) <= 120


def test_it_is_written_under_its_name(rnnkit, tmp_path):
    done = rnnkit("new", "probe")
    assert (done.returncode, done.stderr) == (0, "")
    assert "rnnkit run probe.py -m " in done.stdout
    text = (tmp_path / "probe.py").read_text()
    assert "rnnkit run probe.py -m spectral_radius=" in text
    assert "NAME" not in text


def test_nothing_is_overwritten(rnnkit, tmp_path):
    (tmp_path / "probe.py").write_text("mine")
    done = rnnkit("new", "probe.py")
    assert done.stderr == "rnnkit new: NAME must be that of a new file, got probe: probe.py is there\n"
    assert (done.returncode, (tmp_path / "probe.py").read_text()) == (2, "mine")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("latch", "must not be that of an experiment of rnnkit, got latch"),
        ("my-study", "must be a name that Python can have, as my_study, got my-study"),
        ("numpy", "must not be that of a module of Python, got numpy"),
        ("é", "must be a name that Python can have, as my_study, got é"),
        ("../up", "must be a name that Python can have, as my_study, got ../up"),
        ("class", "must be a name that Python can have, as my_study, got class"),
        ("", "must be a name that Python can have, as my_study, got "),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path, name, words):
    with pytest.raises(ValueError, match=f"^NAME {words}$"):
        write(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(ValueError, match=r"probe\.py must be a file that can be written to, got No such file"):
        write("probe", tmp_path / "gone")
