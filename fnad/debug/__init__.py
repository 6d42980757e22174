"""Looking into functions while they run: printing, calling Python, and finding what makes a NaN."""

from fnad.debug.callbacks import callback as callback
from fnad.debug.callbacks import print as print
from fnad.debug.finite import check_nans as check_nans

__all__ = ["callback", "check_nans", "print"]
