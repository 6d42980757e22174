"""The distributions of scipy.stats, whose methods take traced values, with derivatives in all parameters."""

from fnad.public import public as _public
from fnad.scipy.stats.continuous import beta as beta
from fnad.scipy.stats.continuous import cauchy as cauchy
from fnad.scipy.stats.continuous import chi2 as chi2
from fnad.scipy.stats.continuous import expon as expon
from fnad.scipy.stats.continuous import f as f
from fnad.scipy.stats.continuous import gamma as gamma
from fnad.scipy.stats.continuous import gumbel_l as gumbel_l
from fnad.scipy.stats.continuous import gumbel_r as gumbel_r
from fnad.scipy.stats.continuous import halfnorm as halfnorm
from fnad.scipy.stats.continuous import invgamma as invgamma
from fnad.scipy.stats.continuous import laplace as laplace
from fnad.scipy.stats.continuous import logistic as logistic
from fnad.scipy.stats.continuous import lognorm as lognorm
from fnad.scipy.stats.continuous import norm as norm
from fnad.scipy.stats.continuous import pareto as pareto
from fnad.scipy.stats.continuous import rayleigh as rayleigh
from fnad.scipy.stats.continuous import t as t
from fnad.scipy.stats.continuous import truncnorm as truncnorm
from fnad.scipy.stats.continuous import uniform as uniform
from fnad.scipy.stats.continuous import vonmises as vonmises
from fnad.scipy.stats.continuous import weibull_min as weibull_min
from fnad.scipy.stats.discrete import bernoulli as bernoulli
from fnad.scipy.stats.discrete import binom as binom
from fnad.scipy.stats.discrete import geom as geom
from fnad.scipy.stats.discrete import nbinom as nbinom
from fnad.scipy.stats.discrete import poisson as poisson
from fnad.scipy.stats.multivariate import dirichlet as dirichlet
from fnad.scipy.stats.multivariate import multinomial as multinomial
from fnad.scipy.stats.multivariate import multivariate_normal as multivariate_normal
from fnad.scipy.stats.multivariate import wishart as wishart

__all__ = _public(__name__)
__dir__ = __all__.copy
