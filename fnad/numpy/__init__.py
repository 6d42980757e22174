"""NumPy's functions on traced values, arrays and numbers; importing it makes NumPy itself take traced values."""

from fnad.numpy import protocols as protocols
