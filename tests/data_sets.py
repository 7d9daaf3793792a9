"""Small data sets in a folder of a test's own, where rnnkit looks for the real ones."""

import gzip
import struct

import numpy as np

from rnnkit.tasks import chorales, fashion_mnist

SIDE = fashion_mnist.SIDE
MUSIC21 = "0.0"


def write_idx(file, array, kind):
    head = struct.pack(f">{1 + array.ndim}I", kind, *array.shape)
    file.write_bytes(gzip.compress(head + array.astype(np.uint8).tobytes()))


def write_fashion(folder, train=120, test=40):
    """Write images that have a bright row where their class says, on a dark ground that differs."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, n, ground in (("train", train, 0), ("t10k", test, 1)):
        labels = np.arange(n) % 10
        images = np.full((n, SIDE, SIDE), ground)
        images[np.arange(n), labels] = 255
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images, fashion_mnist.IMAGES)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels, fashion_mnist.LABELS)


def some_pieces(n=12, lowest=40):
    """Return rolls of two pitches that take turns and one that is held; no two pieces are of one length."""
    pieces = []
    for i in range(n):
        piece = np.zeros((6 + i, chorales.PITCHES), bool)
        piece[::2, lowest], piece[1::2, lowest + 3], piece[2:, lowest + 7] = True, True, True
        pieces.append(piece)
    return pieces


def plant(folder, monkeypatch):
    """Have Fashion-MNIST and the chorales read from this folder."""
    write_fashion(folder / "fashion")
    monkeypatch.setenv(fashion_mnist.VARIABLE, str(folder / "fashion"))
    monkeypatch.setattr(chorales, "cache_folder", lambda: folder / "cache" / "rnnkit")  # not numba's, beside it
    monkeypatch.setattr(chorales, "version", lambda name: MUSIC21)
    monkeypatch.setattr(chorales, "parse_all", some_pieces)
