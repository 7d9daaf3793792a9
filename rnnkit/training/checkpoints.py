"""A training on disk: all that its next update depends on, written whole or not at all."""

import json
import math
import os
import time
from pathlib import Path

import numpy as np

from rnnkit.networks.storage import arrays_of
from rnnkit.training.replicate import Training

SECONDS = 5.0  # between two checkpoints of a net: a file takes milliseconds
SAME_START = 1e-6  # relative: another machine's last bits of the initialization may differ
MENDED = "name another folder, or delete it to begin anew"
COUNTERS = ("updates", "passed", "diverged", "first", "held", "history", "records")


class Checkpoint:
    """The file of one net. identity: what the training is; a file of another one is refused.

    start: (a word, a number) of the first sequences and weights, for tasks and nets that their names do not tell apart.
    """

    def __init__(self, path: Path, identity: str, start: tuple[str, float]) -> None:
        """Remember where; nothing is written yet."""
        self.path, self.identity, self.start, self._last = path, identity, start, time.monotonic()

    def restore(self, training: Training) -> None:
        """Set a training to what the file holds, if there is one. Raises ValueError for a file that is another's."""
        if not self.path.exists():
            return
        try:
            with open(self.path, "rb") as opened:
                arrays = arrays_of(opened)
            state = json.loads(str(arrays["state"]))
            word, number = state.get("start", self.start)
            same = state["identity"] == self.identity and word == self.start[0]
            same &= math.isclose(number, self.start[1], rel_tol=SAME_START)
            found = [arrays["flat"], arrays["moments"], state["rng"], *(state[name] for name in COUNTERS)]
        except Exception as error:
            raise ValueError(f"{self.path} cannot be read ({error}): delete it to begin anew") from None
        if not same:
            raise ValueError(f"{self.path} must be of this training, got another's: {MENDED}")
        if state["updates"] > training.protocol.updates:
            raise ValueError(
                f"updates must be at least the {state['updates']} that {self.path} has made, "
                f"got {training.protocol.updates}: {MENDED}"
            )
        training.net.flat[:], training.moments[:], generators, *counters = found
        for name, value in zip(COUNTERS, counters, strict=True):
            setattr(training, name, value)
        for name, generator in training.rng._asdict().items():
            generator.bit_generator.state = generators[name]

    def keep(self, training: Training) -> None:
        """Write the file where the last one is some seconds old, or the training has ended; OSError says why not."""
        if time.monotonic() - self._last < SECONDS and not training.ended:
            return
        try:
            self._write(training)
        except OSError as error:
            raise OSError(error.errno, f"the checkpoint cannot be written: {error.strerror}", str(self.path)) from None
        self._last = time.monotonic()

    def _write(self, training: Training) -> None:
        state = {name: getattr(training, name) for name in COUNTERS} | {"identity": self.identity, "start": self.start}
        state["rng"] = {name: generator.bit_generator.state for name, generator in training.rng._asdict().items()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.stem}.{os.getpid()}.npz")
        try:
            with open(beside, "wb") as file:
                text = np.array(json.dumps(state))
                np.savez(file, state=text, flat=training.net.flat, moments=training.moments)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        finally:
            beside.unlink(missing_ok=True)
