"""erf."""

from fnad.kernels.vector_math.emitting import (
    Number,
    at_most,
    choose,
    elementary,
    fused,
    magnitude,
    polynomial,
    power_of_two,
    signed_like,
)
from fnad.kernels.vector_math.exponential import EXP_SHORT, reduced

ERF = {
    # erf(x) / x - 1 in powers of x**2 for |x| <= 0.9: 2**-31, 2**-60
    32: (
        *(0.128379166, -0.376126349, 0.112837195, -0.0268607512),
        *(0.00520443078, -0.000818186265, 8.53854071e-05),
    ),
    64: (
        0.1283791670955126,
        -0.3761263890318373,
        0.11283791670953819,
        -0.02686617064482856,
        0.0052239776218178,
        -0.0008548326767184553,
        0.00012055321479596107,
        -1.4925309764046362e-05,
        1.6455361600288475e-06,
        -1.6276827452521515e-07,
        1.4053038501634743e-08,
        -8.49747428835044e-10,
    ),
}

LOG_ERFC = {
    # log(1 - erf(x)) from 0.9 to where erf is 1; the error of 1 - erf is 2**-34, 2**-58
    32: (
        *(0.000170550586, -1.12949514, -0.633386672, -0.108236603),
        *(0.0250914842, -0.00416052202, 0.000432301895, -2.0909456e-05),
    ),
    64: (
        -7.116866932608398e-08,
        -1.128378411341921,
        -0.6366234584136357,
        -0.10276172745335273,
        0.01910703981689581,
        0.00023805250198282113,
        -0.0017214361786940312,
        0.0005995919174560221,
        -1.6085662502149497e-05,
        -8.618311031658349e-05,
        5.198604505034539e-05,
        -1.894479682703587e-05,
        4.999141749111723e-06,
        -9.95447973110658e-07,
        1.4951566225482946e-07,
        -1.6505986007864404e-08,
        1.2669405446998693e-09,
        -6.0458314596552e-11,
        1.3509579302788582e-12,
    ),
}


def erf(x: Number) -> Number:
    """The error function: a polynomial near 0, then 1 - e**(a polynomial)."""
    size = magnitude(x)
    near = fused(x, polynomial(x * x, ERF[x.bits]), x)
    n, r, _ = reduced(polynomial(at_most(size, {32: 4.0, 64: 6.0}[x.bits]), LOG_ERFC[x.bits]))
    complement = polynomial(r, (1.0, 1.0, *EXP_SHORT[x.bits]))
    far = signed_like(fused(-complement, power_of_two(n), 1.0), x)
    return choose(size < 0.9, near, far)


erf_float32, erf_float64 = elementary(erf)
