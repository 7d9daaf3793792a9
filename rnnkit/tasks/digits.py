"""The handwritten digits of scikit-learn, 8 x 8 pixels, read one pixel after another."""

from functools import cache

import numpy as np

from rnnkit.tasks.images import Images, Labelled

TRAINED, WHITE = 1500, 16
INSTALL = "pip install 'rnnkit[digits]'"


@cache
def read_digits() -> Labelled:
    """Return the 1,797 digits in scikit-learn's order, grey levels 0..16. ValueError where it is not installed."""
    try:
        from sklearn.datasets import load_digits  # an extra: asked for by those who use it alone
    except ImportError:
        raise ValueError(f"the digits need scikit-learn, which is not installed: {INSTALL}") from None
    found = load_digits()
    return Labelled(found.data.astype(np.uint8), found.target.astype(np.int64))


def digits_pixels() -> Images:
    """Return the task: 64 steps of one pixel; the first 1,500 digits are trained on, the other 297 are for tests."""
    pixels, labels = read_digits()
    parts = (Labelled(pixels[part], labels[part]) for part in (slice(TRAINED), slice(TRAINED, None)))
    return Images("digits_pixels", *parts, 1, WHITE)
