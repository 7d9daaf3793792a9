"""The notebook: as it is committed, without outputs; and run from end to end where Jupyter is installed.

`make docs` runs it too, so CI needs it once: the second test is for a checkout whose environment has both.
"""

import json
import re
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "learn" / "understanding_rnns.ipynb"
PARTS = ("memory", "Backpropagation", "Vanishing", "Clipping", "character", "Gated")
SECONDS = 300  # for one cell: the slowest takes 15, and a cold machine compiles besides


@pytest.fixture(scope="module")
def committed():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))


def text(cell):
    return "".join(cell["source"])


def test_it_is_committed_without_outputs_and_with_cells_that_keep_their_names(committed):
    assert (committed["nbformat"], committed["nbformat_minor"]) == (4, 5)
    assert set(committed["metadata"]) == {"kernelspec", "language_info"}
    assert committed["metadata"]["language_info"] == {"name": "python"}
    names = [cell["id"] for cell in committed["cells"]]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9-]+", name) for name in names)
    for cell in committed["cells"]:
        assert cell["metadata"] == {}, cell["id"]
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None), cell["id"]


def test_each_part_ends_in_exercises(committed):
    parts = re.split(r"^## \d\. ", "\n\n".join(text(c) for c in committed["cells"] if c["cell_type"] == "markdown"),
                     flags=re.MULTILINE)[1:]  # fmt: skip
    assert len(parts) == len(PARTS)
    for part, word in zip(parts, PARTS, strict=True):
        assert word in part.splitlines()[0]
        title, exercises = part.rpartition("### Exercises")[1:]
        assert title
        assert exercises.count("\n* ") >= 2


def test_it_uses_what_is_public(committed):
    code = "\n".join(text(cell) for cell in committed["cells"] if cell["cell_type"] == "code")
    assert "import rnnkit" in code
    assert not re.search(r"rnnkit[\w.]*\._|from (common|experiments)|import experiments", code)


def test_it_runs_from_end_to_end_and_says_what_its_text_says(tmp_path, monkeypatch):
    reason = "not installed: pip install -e '.[docs]'; make docs runs the notebook"
    nbformat = pytest.importorskip("nbformat", reason=f"nbformat is {reason}")
    nbclient = pytest.importorskip("nbclient", reason=f"nbclient is {reason}")
    pytest.importorskip("ipykernel", reason=f"ipykernel is {reason}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    book = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(book)
    client = nbclient.NotebookClient(book, timeout=SECONDS, resources={"metadata": {"path": str(tmp_path)}})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter; those of the cells come with their outputs
        client.execute()
    ran = {cell.id: cell.outputs for cell in book.cells if cell.cell_type == "code"}
    printed = {name: "".join(out.get("text", "") for out in outputs) for name, outputs in ran.items()}
    assert not [name for name, outputs in ran.items() if any(out.get("name") == "stderr" for out in outputs)]
    shown = [cell.id for cell in book.cells if "plt.show()" in cell.source]
    assert len(shown) >= 8
    assert all(any("image/png" in out.get("data", {}) for out in ran[name]) for name in shown)
    assert re.findall(r"True|False", printed["order"]) == ["True", "False"]
    assert "h_2 = [0.2414 0.6294 0.7337]" in printed["by-hand"]
    assert "as by hand: True" in printed["same"]
    assert float(printed["differences"].split()[-1]) < 1e-8
    assert "cosine of the two 1.000000" in printed["clip"]
    assert printed["hello"].endswith("hello world\n")
    assert "hundred and" in printed["write"]
    biases = [float(line.split()[-1]) for line in printed["own-cell"].splitlines()[1:]]
    assert biases == sorted(biases)
