"""Pages of results/ as pages of the site, and a table of the experiments: made at each build, never committed."""

import ast
import re
import shutil
from pathlib import Path

PAGES = ("README.md", "SETTLED.md", "table.md", "cures.md")
BESIDE = (".png", ".csv")
LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)\s]+)(?=\))")


def copy(results: Path, site: Path) -> None:
    """Copy every page of `results`, and the pictures and tables that these pages show or link, to `site`."""
    shutil.rmtree(site, ignore_errors=True)
    for path in sorted(p for p in results.rglob("*.md") if p.name in PAGES):
        target = site / path.relative_to(results)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = path.read_text(encoding="utf-8")
        for link in LINK.findall(text):
            if Path(link).suffix in BESIDE and (path.parent / link).exists():  # the build reports a link that is broken
                (target.parent / link).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path.parent / link, target.parent / link)
        target.write_text(page(text, path.relative_to(results)), encoding="utf-8")


def page(text: str, place: Path) -> str:
    """Return a page of the site: one that no table of contents has says so, and one without a heading gets it."""
    if place.name in ("README.md", "SETTLED.md"):
        return text
    heading = "" if text.startswith("# ") else f"# {place.parts[-2]}: {place.stem}\n\n"
    return f"---\norphan: true\n---\n\n{heading}{text}"


def table(experiments: Path, results: Path) -> str:
    """Return a table of the experiments: what each asks, as its file begins, and a link to its page, where it has one.

    Links are those of a page beside `results`.
    """
    rows = ["| experiment | what it asks |", "|---|---|"]
    for path in sorted(experiments.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        text = ast.get_docstring(ast.parse(source)) or ""
        if "\nEXPERIMENT = " in source:
            pages = sorted(results.glob(f"*/{path.stem}/README.md"))
            link = f"[{path.stem}](results/{pages[0].relative_to(results)})" if pages else f"`{path.stem}`"
            rows.append(f"| {link} | {text.splitlines()[0]} |")
    return "\n".join(rows) + "\n"
