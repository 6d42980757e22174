"""Stand-ins in the names of modules: put there, and taken away where they are still ours."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from fnad.plain.stand_ins import StandIn

Names = dict[str, Any]


class Replaced:
    """The names of a module that have stand-ins.

    Each way is one call of C that changes the names all at once: no interrupt finds it half done. What somebody else
    has given to a name stays there.
    """

    def __init__(self, names: Names, stand_ins: dict[str, StandIn]) -> None:
        self._names = names
        self._read = itemgetter(*stand_ins, "__name__")  # one more, so that it gives a tuple
        self._own = _Values(stand_ins, names)
        self._originals = _Values({name: own.original for name, own in stand_ins.items()}, names)

    def put(self) -> None:
        """Let stand-ins have the names."""
        self._change(self._originals, self._own)

    def take(self) -> None:
        """Let the originals have them again."""
        self._change(self._own, self._originals)

    def _change(self, before: _Values, after: _Values) -> None:
        values, names = after.values, self._names
        try:
            is_whole = self._read(names) == before.all
        except KeyError:
            is_whole = False
        if not is_whole:
            values = {name: value for name, value in values.items() if names.get(name) is before.values[name]}
        names.update(values)


class _Values:
    """The values of names, and all of them together, as they are read."""

    def __init__(self, values: Names, names: Names) -> None:
        self.values, self.all = values, (*values.values(), names.get("__name__"))
