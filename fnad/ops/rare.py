"""SciPy's other ufuncs, element by element: most of them without derivatives, which it is an error to ask for."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from fnad.ops.elementwise import cos, log, sin, sqrt, tan
from fnad.ops.foreign import foreign, no_slope
from fnad.ops.quadrature import Nodes, integrals

# --- Those of which there are derivatives nevertheless

_DEGREE = pi / 180
tandg = foreign("tandg", [lambda y, x: (tan(x * _DEGREE) ** 2 + 1) * _DEGREE])
cotdg = foreign("cotdg", [lambda y, x: (1 / tan(x * _DEGREE) ** 2 + 1) * -_DEGREE])
# x**y - 1
powm1 = foreign("powm1", [lambda z, x, y: (z + 1) * y / x, lambda z, x, y: (z + 1) * log(x)])

_PLACES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
LEGENDRE = Nodes((_PLACES + 1) / 2, _WEIGHTS / 2)
"""From 0 to 1, by Gauss."""


def _elliptic(power: float, factor: float) -> Any:
    """The derivative in m of the integral of (1 - m sin²)ᵖ, whose integrand has sin² times another power in it."""

    def integrand(r: Any, phi: Any, m: Any) -> tuple[Any]:
        square = sin(phi * r) ** 2
        return (square * (1 - m * square) ** power * phi,)

    return lambda y, phi, m: integrals(LEGENDRE, integrand, phi * 0 + 1, phi, m)[0] * factor


ellipkinc = foreign("ellipkinc", [lambda y, phi, m: 1 / sqrt(1 - m * sin(phi) ** 2), _elliptic(-1.5, 0.5)])
ellipeinc = foreign("ellipeinc", [lambda y, phi, m: sqrt(1 - m * sin(phi) ** 2), _elliptic(-0.5, -0.5)])

# --- Those of which there are none, by how many operands they take

gammasgn = foreign("gammasgn", [None])
_NAMES = {
    1: """airye bei beip ber berp it2i0k0 it2j0y0 it2struve0 itairy iti0k0 itj0y0 itmodstruve0 itstruve0 kei keip kelvin
        ker kerp kolmogi kolmogorov modfresnelm modfresnelp""",
    2: """agm chdtriv ellipj elliprc eval_chebyc eval_chebys eval_sh_chebyt eval_sh_chebyu eval_sh_legendre hankel1e
        hankel2e jve mathieu_a mathieu_b modstruve pbdv pbvv pbwa pdtri smirnov smirnovi stdtridf struve tklmbda yve""",
    3: """bdtri bdtrin besselpoly btdtria btdtrib chndtr chndtridf chndtrinc chndtrix elliprd elliprf elliprg fdtri
        fdtridfd gdtria gdtrib gdtrix log_wright_bessel lpmv mathieu_cem mathieu_modcem1 mathieu_modcem2 mathieu_modsem1
        mathieu_modsem2 mathieu_sem nbdtri nbdtrin nctdtr nctdtridf nctdtrinc nctdtrit nrdtrimn nrdtrisd obl_cv pro_cv
        radian voigt_profile wright_bessel""",
    4: """elliprj eval_sh_jacobi ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc obl_ang1 obl_rad1 obl_rad2 pro_ang1
        pro_rad1 pro_rad2""",
    5: "obl_ang1_cv obl_rad1_cv obl_rad2_cv pro_ang1_cv pro_rad1_cv pro_rad2_cv",
}
NAMES = [name for names in _NAMES.values() for name in names.split()]
for _count, _names in _NAMES.items():
    for _name in _names.split():
        foreign(_name, [no_slope(_name, f"number {i + 1}") for i in range(_count)])
