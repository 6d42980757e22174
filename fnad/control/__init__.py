"""Control flow as operations: loops and branches that are staged whole, on values that differ from call to call."""

from fnad.control import masks as _masks
from fnad.control.associative import associative_scan as associative_scan
from fnad.control.scan import map as map
from fnad.control.scan import scan as scan
from fnad.control.switch import cond as cond
from fnad.control.switch import switch as switch
from fnad.control.while_loop import fori_loop as fori_loop
from fnad.control.while_loop import while_loop as while_loop
from fnad.public import public as _public

__all__ = _public(__name__)
__dir__ = __all__.copy
