"""erf and erfc."""

from fnad.kernels.vector_math.emitting import (
    Number,
    at_most,
    choose,
    elementary,
    fused,
    magnitude,
    polynomial,
    power_of_two,
    scaled,
    signed_like,
    two_product,
    two_sum,
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


ERFCX = {
    # e**(x*x) erfc(x) (x + 4) / 4 in powers of (x - 4) / (x + 4), to where erfc is 0: 2**-28, 2**-57
    32: (
        *(0.273998916, -0.244137183, 0.193302214, -0.13521333),
        *(0.082712166, -0.0435055755, 0.0190983266, -0.00657116063),
        *(0.00154271873, -0.000113791655, -0.000195378278),
    ),
    64: (
        0.27399891525012277,
        -0.24413718227022052,
        0.1933021755663094,
        -0.13521345782830527,
        0.08271289696949509,
        -0.04350273431010423,
        0.019095378727514302,
        -0.006592513333161514,
        0.0015280139117887696,
        -7.023973339263365e-05,
        -0.00011376315777900479,
        4.420329648960674e-05,
        -9.088390604748416e-07,
        -4.715535872518233e-06,
        1.1736924474005357e-06,
        3.567316426146716e-07,
        -2.116276019508663e-07,
        -1.979474284846362e-08,
        3.103180995857141e-08,
        8.960485700842807e-10,
        -3.807637719412761e-09,
        -1.8065564302114134e-10,
        2.2031707608271298e-10,
    ),
}


def erfc(x: Number) -> Number:
    """1 - erf(x) with all its digits: e**(-x*x) and a polynomial in (x - 4) / (x + 4), both as pairs."""
    size = at_most(magnitude(x), {32: 10.1, 64: 27.3}[x.bits])
    sum_, sum_low = two_sum(size, 4.0)
    inverse = 1.0 / sum_
    share = inverse * 4.0
    share_low = (fused(-share, sum_, 4.0) - share * sum_low) * inverse
    series = polynomial(fused(share, -2.0, 1.0) - share_low * 2.0, ERFCX[x.bits])
    high, low = two_product(share, series)
    square, square_low = two_product(size, size)
    n, r, r_low = reduced(-square)
    r = r + (r_low - square_low)
    power = fused(r * r, polynomial(r, EXP_SHORT[x.bits]), r)  # less 1
    tail = high + fused(high, power, fused(share_low, series, low))
    complement = scaled(tail, n)
    return choose(x < 0.0, 2.0 - complement, complement)


erf_float32, erf_float64 = elementary(erf)
erfc_float32, erfc_float64 = elementary(erfc)
