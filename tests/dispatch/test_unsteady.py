"""What is not always the same (files, clocks, random numbers, what is typed in) is named once, with the line."""

from __future__ import annotations

import ctypes
import datetime
import functools
import glob
import importlib
import io
import itertools
import json
import logging
import math
import os
import pickle
import random
import re
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime as moment
from os import listdir
from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, jit

X = np.array([1.0, 2.0, 3.0])
FOLDER, TEXT, DATA = "", "", ""


@pytest.fixture(scope="module", autouse=True)
def files(tmp_path_factory: Any) -> Iterator[None]:
    names, folder = globals(), tmp_path_factory.mktemp("unsteady")
    names.update(FOLDER=str(folder), TEXT=str(folder / "a.txt"), DATA=str(folder / "a.npy"))
    Path(TEXT).write_text("2")
    np.save(DATA, np.ones(3))
    (folder / "a.pickle").write_bytes(pickle.dumps(2.0))
    yield
    names.update(FOLDER="", TEXT="", DATA="")


@pytest.fixture(autouse=True)
def typed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("3\n4\n"))


def opened(path: str) -> float:
    with open(path) as file:
        return float(file.read())


def given_a_path(path: Path) -> float:
    return float(path.read_text())


class Trainer:
    def __init__(self) -> None:
        self.clock, self.path, self.kept, self.file = time.time, None, [1.0, 2.0], io.StringIO("2\n3\n")

    def reads_a_path(self, x: Any) -> Any:
        return x * float(self.path.read_text())

    def reads_a_clock(self, x: Any) -> Any:
        return x * self.clock()

    def reads_a_file(self, x: Any) -> Any:
        return x * float(self.file.readline())

    def pops(self, x: Any) -> Any:
        return x * self.kept.pop()


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "np.load": lambda x: x * np.load(DATA),
    "np.loadtxt": lambda x: x * np.loadtxt(TEXT),
    "np.genfromtxt": lambda x: x * np.genfromtxt(TEXT),
    "np.fromfile": lambda x: x * np.fromfile(DATA).size,
    "np.memmap": lambda x: x * np.memmap(DATA, mode="r").size,
    "Path(...).read_text": lambda x: x * float(Path(TEXT).read_text()),
    "Path.read_bytes": lambda x: x * len((Path(FOLDER) / "a.txt").read_bytes()),
    "Path.exists": lambda x: x * (Path(FOLDER) / "a.txt").exists(),
    "io.open": lambda x: x * (lambda file: (file.read(), file.close()))(io.open(TEXT))[0].count("2"),
    "pickle.load": lambda x: x * pickle.load(io.BytesIO(pickle.dumps(2.0))),
    "json.load": lambda x: x * json.load(io.StringIO("2")),
    "os.listdir": lambda x: x * len(os.listdir(FOLDER)),
    "listdir": lambda x: x * len(listdir(FOLDER)),
    "glob.glob": lambda x: x * len(glob.glob(FOLDER + "/*")),
    "os.path.getsize": lambda x: x * os.path.getsize(TEXT),
    "os.stat": lambda x: x * os.stat(TEXT).st_size,
    "os.urandom": lambda x: x * os.urandom(1)[0],
    "moment.now": lambda x: x * moment.now().second,
    "datetime.date.today": lambda x: x * datetime.date.today().day,
    "time.monotonic": lambda x: x * time.monotonic(),
    "time.localtime": lambda x: x * time.localtime().tm_sec,
    "secrets.token_bytes": lambda x: x * secrets.token_bytes(1)[0],
    "secrets.choice": lambda x: x * secrets.choice([1, 2]),
    "uuid.uuid4": lambda x: x * (uuid.uuid4().int % 7),
    "np.random.default_rng": lambda x: x * np.random.default_rng().normal(),
    "np.random.RandomState": lambda x: x * np.random.RandomState(None).rand(),
    "random.Random": lambda x: x * random.Random().random(),
    "random, a Random": lambda x: x * random.getrandbits(3),
    "np.random, a RandomState": lambda x: x * np.random.permutation(3),
    "input": lambda x: x * float(input()),
    "sys.stdin.readline": lambda x: x * float(sys.stdin.readline()),
    "subprocess.run": lambda x: x * subprocess.run([sys.executable, "-S", "-c", ""]).returncode,
    "socket.gethostname": lambda x: x * len(socket.gethostname()),
    "sqlite3.connect": lambda x: x * len(sqlite3.connect.__name__),
    "importlib.import_module": lambda x: x * importlib.import_module("math").pi,
    "__import__": lambda x: x * __import__("math").pi,
    "time.time": lambda x: x * getattr(time, "time")(),  # noqa: B009
    "time.perf_counter": lambda x: x * [time.perf_counter() for _ in range(2)][0],
    "time.time_ns": lambda x: (lambda: x * time.time_ns())(),
}


@pytest.mark.parametrize("what", FUNCTIONS)
def test_what_is_not_always_the_same_is_named_once(what: str) -> None:
    function = FUNCTIONS[what]
    with pytest.warns(RuntimeWarning, match="What it is now stays|What it has drawn stays") as seen:
        jit(function)(X)
    (message,) = [str(w.message) for w in seen]
    place = f'\n  at "{__file__}", line {function.__code__.co_firstlineno}, in <'
    assert f"got {what}{'.' if ', a ' in what else ', which'}" in message
    assert place in message or ", a " in what
    assert seen[0].filename == __file__


def test_in_what_the_function_calls_and_holds() -> None:
    path, part, trainer = Path(TEXT), functools.partial(np.load, DATA), Trainer()
    trainer.path, table, numbers, kept = path, {"now": time.time}, [1.0, 2.0, 3.0], {"a": 1.0, "b": 2.0}
    many, some, rows = deque([1.0, 2.0]), {1.0, 2.0}, [np.ones(3), np.zeros(3)]
    file, history, pointer = io.StringIO("2\n3\n"), [], ctypes.pointer(ctypes.c_int(3))
    for function, what in (
        (lambda x: (history.append(1.0), x * len(history))[1], "history, which grows"),
        (lambda x: x * pointer[0], "pointer, a LP_c_int, which points elsewhere"),
        (lambda x: x * opened(TEXT), f'open, which .*line {opened.__code__.co_firstlineno + 1}, in opened'),
        (lambda x: x * given_a_path(path), r"path.read_text, which .* in given_a_path"),
        (lambda x: x * path.stat().st_size, r"path.stat, which"),
        (lambda x: x * part(), "part.func, numpy.load, which"),
        (lambda x: x * table["now"](), r"table\['now'\], time.time, which"),
        (lambda x: x * float(file.readline()), "file.readline, which"),
        (trainer.reads_a_path, "self.path.read_text, which"), (trainer.reads_a_clock, "self.clock, time.time, which"),
        (trainer.reads_a_file, "self.file.readline, which"),
        (trainer.pops, "self.kept, from which it takes what is there"),
        (lambda x: x * numbers.pop(), "numbers, from which it takes"),
        (lambda x: x * kept.popitem()[1], "kept, from which it takes"),
        (lambda x: x * many.popleft(), "many, from which it takes"), (lambda x: x * some.pop(), "some, from which"),
        (lambda x: (rows.append(rows.pop(0)), x * rows[0])[1], "rows, from which it takes"),
    ):
        with pytest.warns(RuntimeWarning) as seen:
            jit(function)(X)
        (message,) = [str(w.message).replace("\n", " ") for w in seen]
        assert re.search(f"got {what}", message), message


@dataclass
class Layer:
    w: np.ndarray
    activation: str = "tanh"

    def __call__(self, x: Any) -> Any:
        return getattr(np, self.activation)(x @ self.w)


class Model:
    """A model as users write it, with methods that read files, and clocks in what is not called."""

    def __init__(self, generator: Any = None) -> None:
        generator = generator or np.random.default_rng()
        self.layers = [Layer(generator.normal(size=(3, 3))) for _ in range(2)]
        self.path, self.created = Path(FOLDER), time.time()

    def load(self, path: str) -> Any:
        return np.load(path)

    def loss(self, x: Any) -> Any:
        logging.getLogger("model").debug("loss")
        return np.sum(functools.reduce(lambda y, layer: layer(y), self.layers, x))


class Node:
    """Methods that are called like those of files and clocks."""

    def now(self) -> float:
        return 2.0

    read = stat = exists = read_text = iterdir = now


def timed(function: Any, verbose: bool) -> Any:
    def call(x: Any) -> Any:
        started = time.time() if verbose else 0.0
        result = function(x)
        if verbose:
            print(time.time() - started)
        return result

    return call


def test_ordinary_code_is_not_named() -> None:
    model, node, day, root, memo = Model(), Node(), datetime.date(2020, 1, 1), Path("/tmp"), {}
    of_ones_own = type("Reader", (), {"read_text": lambda self: "2"})()

    def remembered(n: int) -> Any:
        if n not in memo:
            memo[n] = np.eye(n) * 2
        return memo[n]

    def drained(x: Any) -> Any:
        queue = deque([1.0, 2.0])
        while queue:
            x = x * queue.popleft()
        numbers = iter([3.0, 4.0])
        return x * next(numbers)

    functions: list[Callable[[Any], Any]] = [
        model.loss, grad(model.loss), timed(model.loss, False), lambda x: remembered(3) @ x, drained,
        lambda x: x * node.now() * node.read() * node.stat() * node.exists() * node.read_text() * node.iterdir(),
        lambda x: x * day.year * len(root.name) * len(str(root / "a")) * len(os.path.join("a", "b")) * len(root.parts),
        lambda x: x * float(of_ones_own.read_text()) * node.exists() * len(root.name),
        lambda x: x * math.pi * sys.maxsize * len(json.dumps({"a": 1})) * time.gmtime(3).tm_sec,
        lambda x: x * np.random.default_rng(3).normal() * random.Random(3).random(),
        lambda x: x + fnad.random.normal(fnad.random.key(0), x.shape),
        lambda x: x * len(list(itertools.product([1, 2], [3, 4]))) * max([1, 2]) * sorted([2, 1])[0],
        lambda x: x * moment(2020, 1, 1).year * datetime.timedelta(days=2).days * uuid.UUID(int=3).int,
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in functions:
            jitted = jit(function)
            for _ in range(2):
                np.testing.assert_allclose(jitted(X), function(X), rtol=1e-10)


def test_what_runs_later_is_named_when_it_runs() -> None:
    slow = [False]

    def function(x: Any) -> Any:
        return x * time.time() if slow[0] else x

    jitted = jit(function)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jitted(X)
    slow[0] = True
    with pytest.warns(RuntimeWarning, match="got time.time, which"):
        jitted(X)


def test_code_of_many_names() -> None:
    """Instructions with arguments beyond a byte."""
    names = "".join([f"    a{k} = s.b{k}\n" for k in range(300)])
    known = {"time": time, "s": type("S", (), {f"b{k}": 1.0 for k in range(300)})}
    exec(f"def function(x):\n{names}    return x * time.time() * a299\n", known)
    with pytest.warns(RuntimeWarning, match="got time.time, which"):
        jit(known["function"])(X)
