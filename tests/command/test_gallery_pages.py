"""`rnnkit gallery`: pages to teach with, as notebooks."""

import ast
import json
import re

import pytest

from rnnkit.command import gallery
from rnnkit.command.notebook import as_markdown, notebook
from rnnkit.runner import shipped

PAGES = shipped.pages()
LEFT = re.compile(r"``|:\w+:`|^\.\. |\n=+\n|`_", re.MULTILINE)  # marks of reStructuredText

SCRIPT = '''r"""
Why?
====

It is :math:`x^2`, by ``power``:

.. math::

   y = x^2,
   z = x^3.

And so on.
"""

import numpy as np

# %%
# A number, then
# its square.
x = 3  # as found
# of the code
print(x**2)
'''


def test_text_and_code_become_cells():
    cells = json.loads(notebook(SCRIPT))["cells"]
    assert [(cell["cell_type"], cell["source"]) for cell in cells] == [
        ("markdown", "# Why?\n\nIt is $x^2$, by `power`:\n\n$$\ny = x^2,\nz = x^3.\n$$\n\nAnd so on."),
        ("code", "import numpy as np"),
        ("markdown", "A number, then\nits square."),
        ("code", "x = 3  # as found\n# of the code\nprint(x**2)"),
    ]


@pytest.mark.parametrize("name", PAGES)
def test_each_page_becomes_a_notebook_with_all_its_code(name, tmp_path):
    path = gallery.write(name, tmp_path)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (path.name, found["nbformat"], found["nbformat_minor"]) == (f"{name}.ipynb", 4, 5)
    assert len({cell["id"] for cell in found["cells"]}) == len(found["cells"])
    if PAGES[name].suffix == ".py":
        text = [cell["source"] for cell in found["cells"] if cell["cell_type"] == "markdown"]
        assert [part for part in text if LEFT.search(part)] == []
        code = "\n".join(cell["source"] for cell in found["cells"] if cell["cell_type"] == "code")
        page = ast.parse(PAGES[name].read_text(encoding="utf-8"))
        page.body = page.body[1:]
        assert ast.unparse(ast.parse(code)) == ast.unparse(page)


def test_marks_that_are_left_would_be_seen():
    assert LEFT.search(as_markdown("a :ref:`b`"))
    assert LEFT.search(as_markdown(".. note:: c"))


def test_a_page_is_written_and_how_to_open_it_is_said(rnnkit, tmp_path):
    done = rnnkit("gallery", "latch")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "latch.ipynb is written\n  jupyter lab latch.ipynb    (pip install jupyterlab)\n"
    assert rnnkit("gallery", "latch", "--script").stdout == "latch.py is written\n  python latch.py\n"
    assert (tmp_path / "latch.py").read_bytes() == PAGES["latch"].read_bytes()


def test_without_a_name_pages_are_listed(rnnkit):
    assert rnnkit("gallery").stdout == rnnkit("list", "gallery").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["latsh"], f"NAME must be one of {', '.join(PAGES)}, got latsh; did you mean latch?"),
        (["taken.ipynb"], "NAME must be one of"),
        (["cures"], "NAME must be that of a new file, got cures: cures.ipynb is there"),
        (["understanding_rnns", "--script"], "--script cannot be combined with understanding_rnns: it is a notebook"),
    ],
)
def test_what_cannot_be_is_refused(rnnkit, tmp_path, words, said):
    (tmp_path / "cures.ipynb").write_text("mine")
    done = rnnkit("gallery", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"rnnkit gallery: {said}")
    assert (tmp_path / "cures.ipynb").read_text() == "mine"


def test_a_page_that_is_not_there_gets_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"^NAME must be one of understanding_rnns, .*, got latsh; did you mean latch"):
        gallery.write("latsh", tmp_path)
