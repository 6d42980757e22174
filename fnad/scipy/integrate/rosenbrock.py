"""A Rosenbrock method, for stiff equations: implicit, but linear, so that no equations are solved by iterations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.scipy.integrate.methods import Method, Step, norm, weighted
from fnad.transforms.jacobians import jacfwd
from fnad.transforms.vjp import stop_gradient

# RODAS of order 4 (Hairer and Wanner, "Solving Ordinary Differential Equations II", IV.7 and IV.10): of each stage the
# time, the weight of the derivative in time, the weights of the stages before it in the state, and in the equation.
GAMMA = 0.25
STAGES: Sequence[tuple[float, float, Sequence[float], Sequence[float]]] = [
    (0.0, 0.25, [], []),
    (0.386, -0.1043, [1.544], [-5.6688]),
    (0.21, 0.1035, [0.9466785280815826, 0.2557011698983284], [-2.430093356833875, -0.2063599157091915]),
    (0.63, -0.0362, [3.314825187068521, 2.896124015972201, 0.9986419139977817],
     [-0.1073529058151375, -9.594562251023355, -20.47028614809616]),
    (1.0, 0.0, [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895],
     [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616]),
    (1.0, 0.0, [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1.0],
     [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054]),
]
BETWEEN = [
    [10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662],
    [-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872],
]


def _step(fun: Callable[[Any, Any], Any], t: Any, y: Any, slope: Any, h: Any) -> Step:
    matrix = np.eye(y.shape[0]) / (GAMMA * h) - jacfwd(lambda y: fun(t, y))(y)
    drift = h * jacfwd(lambda t: fun(t, y))(t)
    ks: list[Any] = []
    for c, share, factors, others in STAGES:
        state = y + weighted(factors, ks) if ks else y
        right = (fun(t + c * h, state) if ks else slope) + share * drift
        ks.append(np.linalg.solve(matrix, right + weighted(others, ks) / h if ks else right))
    new = state + ks[-1]
    error = stop_gradient(ks[-1])
    rows = (new - y, *[weighted(w, ks) for w in BETWEEN])
    return Step(new, fun(t + h, new), lambda scale: norm(error / scale), rows)


def _between(x: Any, rows: Sequence[Any]) -> Any:
    return x * (rows[0] + (1 - x) * (rows[1] + x * rows[2]))


RODAS4 = Method(_step, _between, 3, -1 / 4, len(STAGES))
