"""Results by the value that they were made of, kept so that the same value need not be worked on again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Value = TypeVar("Value")


class Memo:
    """A bounded dictionary of what was made; when it is full it forgets everything.

    >>> memo = Memo()
    >>> [memo.get("key", lambda: "made") for _ in range(2)], memo.get("key", lambda: "made again")
    (['made', 'made'], 'made')
    """

    __slots__ = ("entries", "most")

    def __init__(self, most: int = 512) -> None:
        self.entries: dict[Any, Any] = {}
        self.most = most

    def get(self, key: Any, make: Callable[[], Any], keeps: Callable[[Any], bool] | None = None) -> Any:
        """The result of ``make`` for an equal key; it is made anew where the key cannot be hashed, and where ``keeps``
        says that it is not to be kept."""
        try:
            known = self.entries.get(key, _NOTHING)
        except TypeError:
            known = key = _NOTHING
        if known is not _NOTHING:
            return known
        made = make()
        if key is not _NOTHING and (keeps is None or keeps(made)):
            if len(self.entries) >= self.most:
                self.entries.clear()
            self.entries[key] = made
        return made


_NOTHING = object()


class kept(Generic[Value]):
    """A property that is computed when it is first asked for, and kept.

    In the place of ``functools.cached_property``, which before Python 3.12 holds a lock meanwhile: a child that is
    forked then would wait for it for ever. At worst, two threads compute the same.

    >>> class Circle:
    ...     @kept
    ...     def area(self):
    ...         return print("once") or 3.0
    >>> circle = Circle()
    >>> circle.area, circle.area
    once
    (3.0, 3.0)
    """

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self.function = function
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> kept[Value]: ...

    @overload
    def __get__(self, instance: Any, owner: type) -> Value: ...

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = vars(instance)[self.function.__name__] = self.function(instance)
        return value


def is_hashable(key: Any) -> bool:
    """Whether a value can be looked up in a dictionary."""
    try:
        hash(key)
    except TypeError:
        return False
    return True
