"""How much is tried: a little in every run, or, by FNAD_TEST_PROFILE=deep, as much as there is."""

from __future__ import annotations

import os


def is_deep() -> bool:
    """Whether this run is to be thorough; hypothesis has a profile of the same name."""
    return os.environ.get("FNAD_TEST_PROFILE") == "deep"
