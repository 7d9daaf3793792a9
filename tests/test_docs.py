"""README and docs/: examples print what they say, listings work, links lead somewhere, no public name is left out."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import docstrings
import findings
import numpy as np
import public_names
import pytest

from rnnkit.cells import CELLS, as_cell
from rnnkit.tasks import load

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
WRITTEN = [p for p in (ROOT / "docs").rglob("*.md") if "results" not in p.parts and "gallery" not in p.parts]
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted(WRITTEN)]
EXAMPLES = [page for page in PAGES if ">>> " in page.read_text(encoding="utf-8")]
EXPERIMENTS = {path.stem for path in (ROOT / "experiments").glob("*.py")} - {"reproduce"}
MOST_WORDS = 900  # of README: what a person reads before they decide
LINK = re.compile(r"\]\(([^)#\s]+)\)")
RUN = re.compile(
    r"(?:rnnkit run (?!\w+\.py)|experiments/)(\w+)(?:\.py)? (-m .*|\w+=.*)"
)  # a command: its experiment, its keys
MADE = ("gallery/", "results/", "understanding_rnns.ipynb")  # links of docs/ to what a build makes, or executes


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", EXAMPLES, ids=name_of)
def test_every_example_prints_what_the_page_says(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0
    assert tried > 2


def test_examples_are_there():
    assert {README, ROOT / "docs/learn/article.md", ROOT / "docs/use/kernels.md"} <= set(EXAMPLES)


def test_readme_is_short():
    assert len(README.read_text(encoding="utf-8").split()) <= MOST_WORDS


@pytest.mark.parametrize("page", [README, ROOT / "docs/use/cells.md"], ids=name_of)
def test_the_cell_that_a_page_lists_is_one(page, tmp_path):
    (tmp_path / "leaky.py").write_text(listing(page, "leaky.py"))
    assert dict(as_cell(tmp_path / "leaky.py").constants) == {"alpha": 0.1}


def test_the_task_that_a_page_lists_is_one(tmp_path):
    (tmp_path / "first_symbol.py").write_text(listing(ROOT / "docs/use/tasks.md", "first_symbol.py"))
    task = load(str(tmp_path / "first_symbol.py"))
    assert task.sample(np.random.default_rng(0), 5, 7).x.shape == (7, 5)


def listing(page: Path, file: str) -> str:
    return page.read_text(encoding="utf-8").split(f"# {file}\n")[1].split("```")[0]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page):
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not link.startswith("http")]
    built = [link for link in links if page != README and any(part in link for part in MADE)]
    assert [link for link in links if link not in built and not (page.parent / link).exists()] == []
    for link in built:  # a copy of results/
        if "results/" in link:
            assert (ROOT / "results" / link.split("results/", 1)[1]).exists(), link


def test_readme_counts_what_is_committed():
    judged = (ROOT / "results/README.md").read_text(encoding="utf-8")
    claims, hold, fail, undecided = re.search(
        r"(\d+) claims: (\d+) holds, (\d+) fails, (\d+) undecided", judged
    ).groups()
    told = " ".join(README.read_text(encoding="utf-8").split())
    assert f"Of {claims} claims {hold} hold, {fail} fail and {undecided} are undecided" in told
    assert f"it is all {len(EXPERIMENTS)}, in" in told


@pytest.mark.parametrize("page", [page for page in PAGES if RUN.search(page.read_text(encoding="utf-8"))], ids=name_of)
def test_commands_name_experiments_and_keys_that_exist(page):
    for name, line in RUN.findall(page.read_text(encoding="utf-8").replace("\\\n", " ")):
        fields = import_module(name).EXPERIMENT.schema.model_fields
        keys = {word.split("=")[0].split(".")[0] for word in line.split() if "=" in word}
        assert keys <= {*fields, "out", "preset", "hydra/launcher", "hydra"}, line


def test_every_experiment_is_told():
    rows = findings.table(ROOT / "experiments", ROOT / "results").splitlines()[2:]
    told = {re.match(r"\| [\[`](\w+)[\]`]", row)[1] for row in rows}
    assert told == EXPERIMENTS
    assert any("| [gradient_flow](results/quick/gradient_flow/README.md) | How a gradient " in row for row in rows)


def test_every_cell_is_told():
    page = (ROOT / "docs/use/cells.md").read_text(encoding="utf-8")
    assert [name for name in CELLS if f"`{name}`" not in page] == []


def test_every_public_name_is_in_the_reference():
    assert public_names.undocumented() == []
    assert {"rnnkit.kernels.rnn_forward", "rnnkit.kernels.TANH"} <= set(public_names.documented())


def test_a_name_that_no_page_has_is_seen(monkeypatch):
    found = {
        name: thing for name, thing in public_names.documented().items() if not name.endswith(("rnn_forward", "TASKS"))
    }
    monkeypatch.setattr(public_names, "documented", lambda: found)
    assert public_names.undocumented() == [
        "rnnkit.kernels.rnn_forward",
        "rnnkit.parallel.rnn_forward",
        "rnnkit.reference.rnn_forward",
        "rnnkit.tasks.TASKS",
    ]


def test_the_names_of_rnnkit_itself_are_told():
    import rnnkit

    told = (ROOT / "docs/reference/index.md").read_text(encoding="utf-8")
    assert [name for name in rnnkit.__all__ if f"`{name}`" not in told] == []


@pytest.mark.parametrize(
    ("docstring", "rst"),
    [
        ("Return h_t.", ["Return h\\_t.", ""]),
        ("Return `x`.", ["Return ``x``.", ""]),
        ("See `rnn_forward`.", ["See :py:obj:`rnn_forward <rnnkit.kernels.rnn_forward>`.", ""]),
        (
            "x: (T, B). h: of it. Raises ValueError.",
            ["| **x**: (T, B).", "| **h**: of it.", "| Raises ValueError.", ""],
        ),
        ("A net, x: (T, B).", ["A net, x: (T, B).", ""]),
        ("As so:\n\n    a * b", ["As so:", "", "::", "", "        a * b", ""]),
        ("sgd     plain\nadam    not", [".. code-block:: text", "", "    sgd     plain", "    adam    not", ""]),
        ("    a\n\n    b\nc", ["::", "", "        a", "    ", "        b", "", "c", ""]),
        ("- one\n  more\n- two", ["- one more", "- two", ""]),
    ],
)
def test_docstrings_become_rst(docstring, rst):
    assert docstrings.as_rst(docstring.split("\n"), ("x", "h"), "rnnkit.kernels") == rst


def test_pages_of_results_are_copied_with_what_they_show(tmp_path):
    results, site = tmp_path / "results", tmp_path / "site"
    folder = results / "quick" / "x"
    folder.mkdir(parents=True)
    (results / "README.md").write_text("# All\n\n[x](quick/x/README.md) [far](https://a.b/c.csv)")
    (folder / "README.md").write_text("# x\n\n![a](a.png) [t](table.md) [c](table.csv)")
    (folder / "table.md").write_text("| a |\n|---|\n| 1 |\n")
    for name in ("a.png", "table.csv", "nets.csv"):
        (folder / name).write_text(name)
    (site / "old.md").parent.mkdir()
    (site / "old.md").write_text("gone")
    findings.copy(results, site)
    copied = {str(p.relative_to(site)) for p in site.rglob("*") if p.is_file()}
    assert copied == {"README.md", "quick/x/README.md", "quick/x/table.md", "quick/x/a.png", "quick/x/table.csv"}
    assert (site / "quick/x/table.md").read_text() == "---\norphan: true\n---\n\n# x: table\n\n| a |\n|---|\n| 1 |\n"
