"""The handwritten digits, as they ship in ``digits.npz``; ``digits.txt`` names source and licence."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

_MOST_INK = 16


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Load the 1797 handwritten digits of 8×8 pixels that ship with the library.

    They are the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin and
    C. Kaynak 1998, UCI Machine Learning Repository, doi 10.24432/C50P49, CC BY 4.0).

    Returns:
        images: float32 of shape (1797, 64), pixels row by row, from 0 (paper) to 1 (ink).
        labels: int64 of shape (1797,), from 0 to 9.

    >>> images, labels = digits()
    >>> images.shape, labels[:5]
    ((1797, 64), array([0, 1, 2, 3, 4]))
    """
    with files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as stored:
        images, labels = stored["images"], stored["labels"]
    return images.astype(np.float32) / _MOST_INK, labels.astype(np.int64)
