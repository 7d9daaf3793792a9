"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 28 x 28 pictures of clothes, by rows or by pixels.

Read from Debian's package dataset-fashion-mnist, or from the folder that the variable RNNKIT_FASHION_MNIST names. Its
own 60,000 training images are trained on, its own 10,000 test images are for tests. Pixel after pixel, 784 steps, is
the order in which Le, Jaitly, Hinton (2015) read MNIST.
"""

import gzip
import os
import zlib
from functools import cache
from pathlib import Path

import numpy as np

from rnnkit.tasks.images import Images, Labelled

FOLDER, VARIABLE = "/usr/share/datasets/fashion-mnist", "RNNKIT_FASHION_MNIST"
SIDE, CLASSES, WHITE = 28, 10, 255
IMAGES, LABELS = 0x803, 0x801  # the kinds of idx files: bytes along three axes, and along one
INSTALL = f"apt install dataset-fashion-mnist (Debian, Ubuntu), or name the folder of its four .gz files by {VARIABLE}"


def fashion_rows() -> Images:
    """Return the task of 28 steps of a row."""
    return Images("fashion_rows", *_parts(), SIDE, WHITE)


def fashion_pixels() -> Images:
    """Return the task of 784 steps of one pixel."""
    return Images("fashion_pixels", *_parts(), 1, WHITE)


def _parts() -> tuple[Labelled, Labelled]:
    folder = Path(os.environ.get(VARIABLE) or FOLDER)
    return read_part(folder, "train"), read_part(folder, "t10k")


@cache
def read_part(folder: Path, part: str) -> Labelled:
    """Return the part `train` or `t10k`, grey levels 0..255. ValueError where it is not there, or is another's."""
    try:
        images = read_idx(folder / f"{part}-images-idx3-ubyte.gz", IMAGES)
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte.gz", LABELS)
    except FileNotFoundError as error:
        raise ValueError(f"Fashion-MNIST is not installed, there is no {error.filename}: {INSTALL}") from None
    except OSError as error:
        raise ValueError(f"Fashion-MNIST cannot be read, {error.filename} ({error.strerror}): {INSTALL}") from None
    if images.shape[1:] != (SIDE, SIDE) or labels.shape != images.shape[:1] or labels.max(initial=0) >= CLASSES:
        wanted = f"images (n, {SIDE}, {SIDE}) and labels (n,) below {CLASSES}"
        raise ValueError(f"the {part} files in {folder} must hold {wanted}, got {images.shape} and {labels.shape}")
    return Labelled(images.reshape(len(images), -1), labels.astype(np.int64))


def read_idx(file: Path, kind: int) -> np.ndarray:
    """Return the bytes of a gzipped idx file: its kind, the length of each axis (four bytes each), then the entries.

    kind: its last byte is the number of axes. Raises ValueError for a file that is not of this kind, or not whole.
    """
    try:
        with gzip.open(file) as opened:
            content = opened.read()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{file} must be a gzipped idx file, got {error}") from None
    words = 1 + (kind & 0xFF)
    start, head = 4 * words, np.frombuffer(content, ">u4", count=min(words, len(content) // 4)).tolist()
    if head[:1] != [kind] or len(head) < words or len(content) != start + np.prod(head[1:]):
        raise ValueError(f"{file} must be an idx file of kind {kind:#x}, whole, got {len(content)} bytes of another")
    return np.frombuffer(content, np.uint8, offset=start).reshape(head[1:])
