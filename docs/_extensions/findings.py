"""Pages of results/ as pages of the site: copied at each build, so that they stand in the repository once."""

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
            if Path(link).suffix in BESIDE:
                (target.parent / link).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path.parent / link, target.parent / link)
        target.write_text(page(text, path.relative_to(results)), encoding="utf-8")


def page(text: str, place: Path) -> str:
    """Return a page of the site: one that no table of contents has says so, and one without a heading gets it."""
    if place.name in ("README.md", "SETTLED.md"):
        return text
    heading = "" if text.startswith("# ") else f"# {place.parts[-2]}: {place.stem}\n\n"
    return f"---\norphan: true\n---\n\n{heading}{text}"
