"""The gallery's scripts in form; `make docs` runs them all, and one of them runs here."""

import ast
import runpy
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

FOLDER = Path(__file__).parents[1] / "docs" / "gallery"
SCRIPTS = sorted(FOLDER.glob("plot_*.py"))
INSTALLED = {"functools", "matplotlib", "numpy", "scipy", "rnnkit"}  # what a reader has who has installed rnnkit
MOST_LINES, MOST_CODE = 115, 85


def imported(tree: ast.Module) -> list[str]:
    names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return names + [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def called(*nodes: ast.AST) -> set[str]:
    """Return the names of the functions and methods that are called anywhere in the nodes."""
    found = [call.func for node in nodes for call in ast.walk(node) if isinstance(call, ast.Call)]
    return {getattr(func, "attr", getattr(func, "id", "")) for func in found}


def faults(source: str) -> list[str]:
    """Return what is wrong with the form of a page."""
    tree, lines = ast.parse(source), source.splitlines()
    title, underline = (ast.get_docstring(tree) or "\n").splitlines()[:2]
    body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)][1:]
    claims = [i for i, node in enumerate(body) if "Claim" in called(node)]
    first = body[: claims[-1] + 1] if claims else body
    code = [line for line in lines[tree.body[0].end_lineno :] if line.strip() and not line.lstrip().startswith("#")]
    found = {
        "a title, and a line as long under it": not title or underline != "=" * len(title),
        "only what is installed is imported": any(name.split(".")[0] not in INSTALLED for name in imported(tree)),
        "nothing private is imported": any("._" in name for name in imported(tree)),
        "claims stand first, after constants": called(*first) != {"Claim"} or {type(n) for n in first} != {ast.Assign},
        "a claim has a reason": "reason=" not in source,
        "it ends in a verdict": not {"print", "judge"} <= called(body[-1]),
        "a picture is shown": "show" not in called(*body),
        f"at most {MOST_LINES} lines": len(lines) > MOST_LINES,
        f"at most {MOST_CODE} lines of code": len(code) > MOST_CODE,
    }
    return [rule for rule, broken in found.items() if broken]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_page_has_its_form(script):
    assert faults(script.read_text(encoding="utf-8")) == []


def test_pages_are_numbered_in_the_order_of_a_course():
    numbers = [int(script.stem.split("_")[1]) for script in SCRIPTS]
    assert numbers == list(range(1, len(SCRIPTS) + 1))
    assert len(numbers) >= 12


PAGE = '''"""
Why?
====
"""

import numpy as np

CLAIM = Claim(bar=1.0, reason="known")
measured = np.ones(3)
plt.show()
print(CLAIM.judge(measured.mean(), 0.0, 3))
'''


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("====", "===", "a title, and a line as long under it"),
        ("import numpy as np", "from common import flow", "only what is installed is imported"),
        ("import numpy as np", "from rnnkit._compile.jit import jit", "nothing private is imported"),
        ("\nCLAIM =", "\nfound = measure()\nCLAIM =", "claims stand first, after constants"),
        ("\nCLAIM =", "\ndef measure():\n    return 1\nCLAIM =", "claims stand first, after constants"),
        (', reason="known"', "", "a claim has a reason"),
        ("print(CLAIM.judge(measured.mean(), 0.0, 3))", "print('holds')", "it ends in a verdict"),
        ("plt.show()", "", "a picture is shown"),
        ("plt.show()", "plt.show()\n" * 90, "at most 85 lines of code"),
    ],
)
def test_each_rule_sees_its_fault(old, new, rule):
    assert faults(PAGE) == []
    assert old in PAGE
    assert faults(PAGE.replace(old, new)) == [rule]


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive:UserWarning")
def test_a_page_runs_as_a_script_and_its_claims_hold(capsys):
    (script,) = FOLDER.glob("plot_*_latch.py")
    with plt.rc_context():
        plt.switch_backend("Agg")
        runpy.run_path(str(script), run_name="__main__")
    plt.close("all")
    verdicts = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert verdicts == ["M1b holds", "M1a holds"] * 4
