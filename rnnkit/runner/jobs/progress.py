"""One bar over the jobs of a sweep, for every launcher: it counts the records that are there."""

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tqdm import tqdm

from rnnkit.runner.jobs import store
from rnnkit.runner.jobs.job import Work

EVERY = 0.5  # seconds between two looks: a look costs a file status for each job that has not ended


class Progress:
    """The bar: jobs ended of all, time passed and left, failed and remaining ones; nothing where there is no terminal.

    with Progress(work, kept=3) as progress:
        ...
        progress.look()     # cheap, as often as you like
    """

    def __init__(self, work: Work, kept: int) -> None:
        """Set out for `work`, with `kept` jobs of the sweep ended before."""
        self.remaining = {folder: _written(folder) for folder in (Path(job.folder) for job in work.jobs)}
        self.failed, self._last = 0, 0.0
        # disable=None: a bar on a terminal, silence in a log
        total = len(work.jobs) + kept
        self.bar = tqdm(total=total, initial=kept, desc=work.experiment.name, unit="job", disable=None, position=0)

    def __enter__(self) -> Self:
        """Show the bar."""
        self._show()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave the bar as it stands."""
        self._last = 0.0
        self.look()
        self.bar.close()

    def look(self) -> None:
        """Count the records that have appeared since the last look."""
        if self.bar.disable or time.monotonic() - self._last < EVERY:
            return
        for folder, before in list(self.remaining.items()):
            record = None if _written(folder) == before else store.read_record(folder)[0]
            if record:
                del self.remaining[folder]
                self.failed += record["row"]["status"] not in store.ENDED
                self.bar.update()
        self._show()
        self._last = time.monotonic()

    def _show(self) -> None:
        self.bar.set_postfix_str(f"{self.failed} failed, {len(self.remaining)} remaining")


def _written(folder: Path) -> int:
    """Return when a folder's record was written, in ns of its file system's clock; 0 where there is none."""
    try:
        return (folder / "record.json").stat().st_mtime_ns
    except OSError:
        return 0
