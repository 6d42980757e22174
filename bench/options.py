"""What the commands of this folder share in reading their options."""

from __future__ import annotations

import argparse


def at_least_one(text: str) -> int:
    """A count, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"requires a positive integer, got {text!r}")
    return int(text)
