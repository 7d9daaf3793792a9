"""Bach's chorales, a chord each quarter note: which pitches sound next, given all that sounded before.

A split of our own and an encoding of our own, so no number here is one of those in print for "JSB chorales"
(Boulanger-Lewandowski, Bengio, Vincent 2012), though that set has quarter notes too. In sixteenths, the other usual
choice, most chords are the one before and little but holding is learned.

The scores are those of PyPI's music21, in the order of Riemenschneider's numbers, each score once where it has two.
They take a minute to read: what came of them is kept in the user's cache folder.
"""

import os
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from math import ceil
from pathlib import Path
from uuid import uuid4

import numpy as np

from rnnkit.tasks.polyphony import Polyphony

PITCHES = 128  # of MIDI
TEST_EVERY = 5  # the fifth, tenth, ... score is for tests
FORMAT = 1  # of the file in the cache
INSTALL = "pip install 'rnnkit[music]'"


def bach_chorales() -> Polyphony:
    """Return the task. Raises ValueError where music21 is not installed, or its scores cannot be kept."""
    pieces = list({piece.tobytes(): piece for piece in read_pieces()}.values())  # two are there twice, note for note
    test = [i % TEST_EVERY == TEST_EVERY - 1 for i in range(len(pieces))]
    train = [piece for piece, held_out in zip(pieces, test, strict=True) if not held_out]
    return Polyphony("chorales", train, [piece for piece, held_out in zip(pieces, test, strict=True) if held_out])


def read_pieces() -> list[np.ndarray]:
    """Return the rolls (quarter notes, 128) of all scores, from the cache where they have been read before."""
    try:
        file = cache_folder() / f"chorales-{FORMAT}-music21-{version('music21')}.npz"
    except PackageNotFoundError:
        raise ValueError(f"the chorales need music21, which is not installed: {INSTALL}") from None
    if not file.exists():
        _read_and_keep(file)
    return _kept(file)


@cache
def _kept(file: Path) -> list[np.ndarray]:
    try:
        with np.load(file) as kept:
            return np.split(kept["rolls"], np.cumsum(kept["lengths"])[:-1])
    except Exception as error:
        raise ValueError(f"{file} cannot be read ({error}): delete it, and the scores are read again") from None


def cache_folder() -> Path:
    """Return where a program of this user keeps what it can make again; XDG_CACHE_HOME counts where it is absolute."""
    asked = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (asked if asked.is_absolute() else Path.home() / ".cache") / "rnnkit"


def _read_and_keep(file: Path) -> None:
    """Read the scores and write the file, whole or not at all."""
    beside = file.with_name(f".{file.stem}.{uuid4().hex}.npz")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.touch()  # a folder that cannot be written fails before the minute of parsing
        pieces = _parsed()
        np.savez_compressed(beside, rolls=np.concatenate(pieces), lengths=[len(piece) for piece in pieces])
        os.replace(beside, file)
    except OSError as error:
        fault = f"the chorales cannot be kept in {file.parent} ({error.strerror})"
        raise ValueError(f"{fault}: name a folder that can be written by XDG_CACHE_HOME") from None
    finally:
        with suppress(OSError):
            beside.unlink()


def _parsed() -> list[np.ndarray]:
    try:
        return parse_all()
    except Exception as error:
        raise ValueError(f"the scores of music21 cannot be read ({error}): install it again") from None


def parse_all() -> list[np.ndarray]:
    """Return the roll of each score of music21's corpus; what has been read is told on a terminal."""
    from music21 import converter, corpus  # an extra

    names = list(dict.fromkeys(corpus.chorales.Iterator(returnType="filename")))
    print(f"chorales: {len(names)} scores of music21 are read, once, which takes a minute", file=sys.stderr)
    pieces = []
    for name in names:
        found = corpus.getWork(name)  # of some there are files of two kinds
        file = found if isinstance(found, Path) else min(found, key=lambda path: path.suffix != ".mxl")
        score = converter.parse(file, forceSource=True, storePickle=False)
        notes = score.flatten().notes
        pieces.append(roll([(note.offset, note.quarterLength, [p.midi for p in note.pitches]) for note in notes]))
        if sys.stderr.isatty():
            print(f"{len(pieces)} of {len(names)}", end="\r", file=sys.stderr)
    return pieces


def roll(notes: list[tuple[float, float, list[int]]]) -> np.ndarray:
    """Return (quarter notes, 128) bool: which pitches sound on each beat. notes: (start, length, pitches), in quarters.

    A note sounds on the beats k with start <= k < start + length; one between two beats is not heard.
    """
    found = np.zeros((max(ceil(start + length) for start, length, _ in notes), PITCHES), bool)
    for start, length, pitches in notes:
        found[ceil(start) : ceil(start + length), pitches] = True
    return found
