"""The page for readers that says what is supported, as `fnad.support` does."""

from __future__ import annotations

from pathlib import Path

import fnad

PAGE = Path(__file__).parent.parent / "docs" / "support.md"
TEXT = """# What of NumPy and SciPy there is

The functions that take traced values: in functions that are differentiated, mapped over batches and compiled. This is
what `fnad.support()` says, which tried the examples in the text of each function: with traced values in place of their
numbers, differentiated, and compiled for both kinds of device.

- *called as*: the name by which traced values are given to it. Where that is a name of fnad's, the library's own
  function cannot be told of them.
- *takes*: "known values" where the size of a result or the way of the computation depends on values, so that Python has
  to know them (many of these take a `size`, and then do not ask); "no values" where types and sizes answer.
- *derivatives*: to which order, forward and reverse, and in which arguments; none where the result is an integer, or
  piecewise constant with the gradient 0.
- *CPU*, *GPU*: compiled with its derivatives, or by which operations it goes back to Python in the middle.

"""


def page() -> str:
    """The text of the page."""
    return TEXT + fnad.support().markdown()


if __name__ == "__main__":
    PAGE.write_text(page())
