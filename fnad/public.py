"""The names that a package shows its users: in ``dir``, to a star import, to ``help``."""

from __future__ import annotations

import sys
from types import ModuleType


def public(package: str, *modules: str) -> list[str]:
    """The names that a package's ``__init__`` has imported for its users, and those of its modules that they name.

    All other modules, and names that begin with an underscore, are the library's own. It is called where the
    imports end.

    >>> import fnad.random
    >>> public("fnad.random")[:3]
    ['bernoulli', 'categorical', 'fold_in']
    """
    found = vars(sys.modules[package]).items()
    own = [name for name, value in found if not (name.startswith("_") or isinstance(value, ModuleType))]
    return sorted([*own, *modules])
