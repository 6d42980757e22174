"""Checks for users: derivatives against differences. The hypothesis strategies are in ``fnad.testing.strategies``."""

from fnad.public import public as _public
from fnad.testing.gradients import check_grads as check_grads
from fnad.testing.programs import checked_programs as checked_programs

__all__ = _public(__name__)
__dir__ = __all__.copy
