"""Looking into functions while they run: printing, calling Python, naming parts, and finding what makes a NaN."""

from fnad.debug.callbacks import callback as callback
from fnad.debug.callbacks import print as print
from fnad.debug.finite import check_nans as check_nans
from fnad.debug.scopes import named_call as named_call
from fnad.debug.scopes import named_scope as named_scope
from fnad.public import public as _public

__all__ = _public(__name__)
__dir__ = __all__.copy
