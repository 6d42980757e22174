"""Programs in plain NumPy, as scientists write them: arrays made of traced numbers and written to, and `math`."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import cos, sin  # noqa: F401 - names of its own, as many programs have them
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, jit, jvp, make_program, scan, vmap
from fnad.testing import check_grads
from numpy import zeros

Function = Callable[..., Any]

# --- Programs: a number or an array to a number


def orbit(x: Any) -> Any:
    """Two bodies, by the leapfrog."""
    position, velocity = np.array([1.0, 0.0]), np.array([0.0, x])
    for _ in range(4):
        r = math.sqrt(position[0]**2 + position[1]**2)
        acceleration = np.array([-position[0] / r**3, -position[1] / r**3])
        velocity = velocity + 0.1 * acceleration
        position = position + 0.1 * velocity
    return np.dot(position, position)


def rotated(x: Any) -> Any:
    turn = np.array([[math.cos(x), -math.sin(x), 0.0], [math.sin(x), math.cos(x), 0.0], [0.0, 0.0, 1.0]])
    return np.sum(turn @ np.array([1.0, x, 2.0])) + np.linalg.norm([x, 1.0])


def waves(x: Any) -> Any:
    """An FDTD update of two staggered fields, in place."""
    electric, magnetic = np.zeros(8), np.zeros(7)
    for n in range(5):
        magnetic += 0.5 * (electric[1:] - electric[:-1])
        electric[1:-1] += 0.5 * (magnetic[1:] - magnetic[:-1])
        electric[3] += x * math.exp(-((n - 2.0) ** 2))
    return np.sum(electric**2)


def stiffness(x: Any) -> Any:
    """Finite elements: element matrices are added into the whole one."""
    n, whole = 4, np.zeros((5, 5))
    for e in range(n):
        places = np.array([e, e + 1])
        whole[np.ix_(places, places)] += x * (e + 1.0) * np.array([[1.0, -1.0], [-1.0, 1.0]])
    whole[0, :] = 0.0
    whole[0, 0] = 1.0
    load = np.ones(5)
    load[0] = 0.0
    return load @ whole @ load + np.trace(whole @ whole)


def pendulum(x: Any) -> Any:
    angle, speed, energies = x, 0.0, []
    for _ in range(4):
        speed = speed - 0.1 * 9.81 * math.sin(angle)
        angle = angle + 0.1 * speed
        energies.append(0.5 * speed**2 - 9.81 * math.cos(angle))
    return np.sum(energies) + np.max(energies) + math.hypot(angle, speed)


def named_early(x: Any) -> Any:
    y = zeros(3)
    y[0], y[1] = sin(x), cos(x) * x
    return y @ y


def accumulated(x: Any) -> Any:
    y = np.zeros(3)
    np.add.at(y, [0, 0, 2], x)
    y[1] = 2.0
    matrix = np.eye(3)
    matrix[0, 1] = x
    row = matrix[1]
    row[2] = x * x
    kept = np.copy(y)
    kept[1:] *= x
    like = np.full_like(kept, 2.0)
    np.multiply(like, x, out=like)
    return np.sum(matrix @ kept + like)


def joined(x: Any) -> Any:
    parts = np.concatenate([[x], np.arange(3.0), [[x, 2.0], [3.0, x]][1]])
    return np.sum(parts) + np.dot([x, 1.0], np.array((x, 2))) + np.asarray([x * x, 1])[0] + np.full(2, x).prod()


def known(x: Any) -> Any:
    """What depends on constants alone is known, wherever Python asks for it."""
    weights, at = np.zeros(4), np.arange(4)
    weights[1] = 3.0
    total = x * 0.0
    if weights[1] > 2.0 and weights.any():
        for i in range(int(weights[1])):
            total = total + x * float(weights[i]) + [1.0, 2.0, 3.0][at[i]]
    weights[0] = x
    return total + np.sum(weights[at > 1]) + weights[0]


def looped(x: Any) -> Any:
    """Arrays made in the body of a loop, of what is carried and what is closed over."""
    def body(i: Any, c: Any) -> Any:
        y = np.zeros(2)
        y[i % 2] = c[0] + math.sin(x)
        return np.array([c[1] * x, y[0] + y[1]])

    return fnad.fori_loop(0, 3, body, np.array([1.0, x]))[0]


def factored(x: Any) -> Any:
    """A Cholesky factor, element by element."""
    a = np.array([[2.0, x, 0.0], [x, 3.0, x], [0.0, x, 4.0]])
    lower = np.zeros_like(a)
    for i in range(3):
        for j in range(i + 1):
            rest = a[i, j] - sum(lower[i, k] * lower[j, k] for k in range(j))
            lower[i, j] = math.sqrt(rest) if i == j else rest / lower[j, j]
    return np.sum(np.log(np.diag(lower)))


PROGRAMS = [looped, factored, orbit, rotated, waves, stiffness, pendulum, named_early, accumulated, joined, known]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_runs_in_every_transform(program: Function) -> None:
    x, step = 0.75, 1e-6
    value, slope = program(x), (program(x + step) - program(x - step)) / (2 * step)
    batch = np.array([x, 1.25])
    values = np.array([program(x), program(1.25)])
    np.testing.assert_allclose(make_value(program, x), value, rtol=1e-13)
    np.testing.assert_allclose(grad(program)(x), slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jvp(program, (x,), (1.0,))[1], slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(vmap(program)(batch), values, rtol=1e-13)
    np.testing.assert_allclose(scan(lambda c, v: (c, program(v)), 0.0, batch)[1], values, rtol=1e-13)
    compiled = jit(grad(program))
    np.testing.assert_allclose(compiled(x), slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(compiled(1.25), grad(program)(1.25), rtol=1e-12)
    assert compiled.cache_info().stagings == 1
    check_grads(program, (x,), order=2, rtol=1e-4)


def make_value(program: Function, x: float) -> Any:
    """The value of a function that is staged."""
    return fnad.value_and_grad(program)(x)[0]
