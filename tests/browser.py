"""A page as a browser makes it: chromium without a window, where there is one."""

import html.parser
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
TIMEOUT = 60  # seconds


def opened(page: Path, fragment: str = "", *options: str) -> str:
    """Return the document after its script has run."""
    with_profile = f"--user-data-dir={page.parent / 'profile'}"
    line = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", with_profile, "--virtual-time-budget=3000"]
    address = page.resolve().as_uri() + fragment
    done = subprocess.run([*line, *options, "--dump-dom", address], capture_output=True, timeout=TIMEOUT, check=True)
    return done.stdout.decode()


class Table(html.parser.HTMLParser):
    """The rows of the table with an id, and every element and text of the page."""

    def __init__(self, text: str, name: str = "table") -> None:
        super().__init__()
        self.rows, self.heads, self.tags, self.texts, self._name = [], {}, [], {}, name
        self._inside, self._open = False, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        self._open = attrs.get("id") or tag
        if tag == "table":
            self._inside = attrs.get("id") == self._name
        if self._inside and tag == "tr":
            self.rows.append([])
        if self._inside and tag in ("td", "th"):
            self.rows[-1].append("")
            if tag == "th":
                self.heads[len(self.rows[-1]) - 1] = attrs.get("aria-sort")

    def handle_endtag(self, tag):
        self._open = ""
        if tag == "table":
            self._inside = False

    def handle_data(self, data):
        if self._open:
            self.texts[self._open] = self.texts.get(self._open, "") + data
        if self._inside and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip("\n")

    def column(self, name: str) -> list[str]:
        """Return the cells of a column, as they stand below each other."""
        at = self.rows[0].index(name)
        return [row[at] for row in self.rows[1:]]
