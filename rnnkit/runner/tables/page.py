"""DIR/index.html: a sweep on one page that needs nothing beside it, to look at, to keep and to send.

Its table sorts by a click and shows the rows that are asked for; both stand in the address, after #. Every text of the
sweep is escaped.
"""

import ast
import base64
import json
import struct
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from rnnkit.runner.jobs import store
from rnnkit.runner.tables.formats import read_csv
from rnnkit.runner.tables.terminal import cell, counted, shared_and_own, values_of

PAGE = "index.html"
MOST_ROWS = 5000  # of the table; a browser sorts these at once
WIDE = 1.8  # width over height of a picture of several panels
OF_A_VERDICT = ["claim", "verdict", "statement", "bar", "measured", "se", "n"]


def write(out: Path, title: str, question: str = "", lines: Sequence[str] = ()) -> Path:
    """Write the page of the sweep in `out` from its tables and pictures; return its path.

    question: what the experiment asks. lines: the commands that have made it.
    """
    table = read_csv(out / "table.csv")
    shared, own = shared_and_own(table)
    counts = table["status"].value_counts(sort=False) if "status" in table else {}
    parts = {
        "title": escape(title),
        "question": escape(question),
        "told": escape(f"{counted(len(table), 'job')}: {', '.join(f'{n} {status}' for status, n in counts.items())}"),
        "verdicts": _verdicts(out / "claims.csv"),
        "problems": _problems(out / "problems.csv"),
        "pictures": _pictures(sorted(out.glob("*.png"))),
        "shared": escape(shared),
        "example": escape(_example(own), quote=True),
        "table": _rows(own.head(MOST_ROWS), "table"),
        "note": f"<p>{counted(left, 'more row')}: table.csv has all.</p>" if (left := len(own) - MOST_ROWS) > 0 else "",
        "lines": f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else "",
        "provenance": _provenance(out / "provenance.json"),
    }
    text = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
    store.write_whole(out / PAGE, Template(text).substitute(parts))
    return out / PAGE


def question_of(file: Path) -> str:
    """Return the first line of an experiment's docstring."""
    try:
        return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
    except (OSError, SyntaxError):
        return ""


def _rows(frame: pd.DataFrame, name: str = "", prose: Iterable[str] = ()) -> str:
    """Return a table whose heads are buttons; a number that is rounded keeps all its digits in data-v."""
    kinds = ["" if is_numeric_dtype(frame[c]) else ' class="prose"' if c in prose else ' class="text"' for c in frame]
    button = "<button>{}</button>" if name else "{}"
    heads = "".join(
        f"<th{kind} scope=col>{button.format(escape(str(c)))}</th>" for c, kind in zip(frame, kinds, strict=True)
    )
    columns = [[_cell(value, kind) for value in values_of(frame[c])] for c, kind in zip(frame, kinds, strict=True)]
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in zip(*columns, strict=True))
    return f"<table{f' id={name}' if name else ''}><thead><tr>{heads}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(value: Any, kind: str) -> str:
    text = str(value) if "prose" in kind else cell(value)
    whole = f' data-v="{value!r}"' if isinstance(value, float) and text not in ("", repr(value)) else ""
    marked = f' class="text {text}"' if text in STATES else kind
    return f"<td{marked}{whole}>{escape(text)}</td>"


STATES = ("fails", "error", "missing", "interrupted", "diverged")


def _example(table: pd.DataFrame) -> str:
    """Return what may be asked of this table."""
    column = next((c for c in table if table[c].nunique() > 1), None)
    return f"rows to show, as {column}={cell(table[column].iloc[0])}" if column else "rows to show"


def _verdicts(path: Path) -> str:
    if not path.exists():
        return ""
    table = _rows(read_csv(path)[OF_A_VERDICT], prose=["statement"])
    return f'<h2>Verdicts</h2>\n<div class="scroll">{table}</div>'


def _problems(path: Path) -> str:
    """Return what became of the jobs that are not done; traceback.txt in the folder of one that raised has more."""
    if not path.exists():
        return ""
    table = _rows(read_csv(path, text=["job", "message"]), prose=["job", "message"])
    return f'<h2>Jobs that are not done</h2>\n<div class="scroll">{table}</div>'


def _pictures(paths: list[Path]) -> str:
    shown = [_picture(path) for path in paths]
    return f'<h2>Pictures</h2>\n<div class="pictures">\n{chr(10).join(shown)}\n</div>' if shown else ""


def _picture(path: Path) -> str:
    """Return a picture within the page; one of several panels side by side may take its whole width."""
    content, name = path.read_bytes(), escape(path.name, quote=True)
    width, height = struct.unpack(">II", content[16:24])  # of a PNG
    wide = " class=wide" if width > WIDE * height else ""
    source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return f'<figure{wide}><img alt="{name}" src="{source}"><figcaption>{name}</figcaption></figure>'


def _provenance(path: Path) -> str:
    """Return each part of the provenance with its values, and of how many jobs each is where there are several."""
    made = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    rows = []
    for name, value in made.items():
        rows.append({"": name, "value": _said(value)})
    return _rows(pd.DataFrame(rows, columns=["", "value"]), prose=["value"])


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{one} ({counted(n, 'job')})" if len(value) > 1 else str(one) for one, n in value.items())
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)
