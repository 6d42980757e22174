"""``python -m fnad`` trains two models with compiled steps and shows how well and how fast.

The first is the model of many tutorials on made-up data, the second reads handwritten digits.
The models are written as any user would write them.
"""

from __future__ import annotations

import argparse
import importlib
import math
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, NoReturn

import numpy as np
from tqdm import tqdm

import fnad
from fnad import data, nn, optim, random
from fnad.config import DEVICES
from fnad.runtime.cuda.devices import Device, chosen

OPTIMIZERS: dict[str, Callable[[float], optim.Optimizer]] = {
    "adam": optim.adam,
    "sgd": optim.sgd,
    "momentum": lambda lr: optim.sgd(lr, momentum=0.9),
}
LEARNING_RATES = {"adam": 2e-3, "sgd": 0.1, "momentum": 0.05}
TRAIN_FRACTION = 0.8


class Epoch(NamedTuple):
    """The record of one pass through the digits."""

    loss: float
    train_accuracy: float
    test_accuracy: float


# --- the two models -----------------------------------------------------------------------------


def make_step(loss: Callable[..., Any], optimizer: optim.Optimizer) -> Callable[..., Any]:
    """A training step: loss, gradients and update compiled into a single native call."""

    def step(params: Any, state: Any, *batch: Any) -> Any:
        value, grads = fnad.value_and_grad(loss)(params, *batch)
        params, state = optimizer.update(grads, state, params)
        return params, state, value

    return fnad.jit(step, donate_argnums=(0, 1))


def train_tutorial(seed: int, epochs: int = 1000) -> list[float]:
    """Fit noise by a small network with plain gradient descent; returns the loss of every epoch."""
    x_key, y_key, params_key = random.split(random.key(seed), 3)
    x = random.normal(x_key, (100, 10), np.float32)
    y = random.normal(y_key, (100, 1), np.float32)

    init, apply = nn.mlp([10, 5, 1], nn.relu)
    optimizer = optim.sgd(lr=0.01)
    step = Stopwatch(make_step(lambda params, x, y: nn.mse(apply(params, x), y), optimizer))

    params = init(params_key)
    state = optimizer.init(params)
    losses = []
    for epoch in range(1, epochs + 1):
        params, state, loss = step(params, state, x, y)
        losses.append(float(loss))
        if epoch == 1 or epoch % 200 == 0:
            print(f"  epoch {epoch:4d}   loss {loss:.4f}")
    print(f"  {step}\n")
    return losses


def train_digits(options: argparse.Namespace) -> list[Epoch]:
    """Learn to read digits by minibatches; returns loss and accuracies of every epoch."""
    train, test = data.split(data.digits(), TRAIN_FRACTION, seed=options.seed)
    batches = data.batches(train, options.batch_size, seed=options.seed, drop_last=True)

    init, apply = nn.mlp([64, *options.hidden, 10], nn.relu)
    optimizer = OPTIMIZERS[options.optimizer](options.lr)
    step = Stopwatch(make_step(lambda params, x, y: nn.softmax_cross_entropy(apply(params, x), y), optimizer))
    accuracy = fnad.jit(lambda params, x, y: np.mean(np.argmax(apply(params, x), axis=1) == y))

    params = init(random.key(options.seed))
    state = optimizer.init(params)
    history = []
    for epoch in progress(options.epochs):
        losses = []
        for batch in batches:
            params, state, loss = step(params, state, *batch)
            losses.append(float(loss))
        history.append(Epoch(np.mean(losses), accuracy(params, *train), accuracy(params, *test)))
        tqdm.write(describe(epoch, history[-1]))
    print(f"  {step}\n")
    return history


# --- time, text and pictures ---------------------------------------------------------------------


class Stopwatch:
    """A step that times its calls, the first one, which compiles, apart from the others."""

    def __init__(self, step: Callable[..., Any]) -> None:
        self._step = step
        self._seconds: list[float] = []

    def __call__(self, *args: Any) -> Any:
        begin = time.perf_counter()
        result = self._step(*args)
        self._seconds.append(time.perf_counter() - begin)
        return result

    def __str__(self) -> str:
        first, *others = self._seconds
        if not others:
            return f"compilation and a single step: {first:.2f} s"
        typical = median(others)
        return f"compilation {first - typical:.2f} s, then {1e6 * typical:.1f} µs per step (median of {len(others)})"


def progress(epochs: int) -> Iterator[int]:
    """The numbers of the epochs, with a bar on standard error."""
    return iter(tqdm(range(1, epochs + 1), desc="  digits", unit="epoch", leave=False, mininterval=0))


def describe(number: int, epoch: Epoch) -> str:
    """One line about an epoch."""
    return (
        f"  epoch {number:4d}   loss {epoch.loss:.4f}   "
        f"accuracy {epoch.train_accuracy:7.2%} train, {epoch.test_accuracy:7.2%} test"
    )


def draw(figure: Any, file: Path, tutorial: list[float], digits: list[Epoch]) -> None:
    """Draw the losses of both models and the accuracies of the second into a file."""
    left, middle, right = figure.subplots(1, 3)
    epochs = range(1, len(digits) + 1)
    left.plot(range(1, len(tutorial) + 1), tutorial)
    left.set(title="tutorial model", xlabel="epoch", ylabel="mean squared error")
    middle.plot(epochs, [epoch.loss for epoch in digits])
    middle.set(title="digits", xlabel="epoch", ylabel="cross-entropy")
    right.plot(epochs, [epoch.train_accuracy for epoch in digits], label="train")
    right.plot(epochs, [epoch.test_accuracy for epoch in digits], label="test")
    right.set(title="digits", xlabel="epoch", ylabel="accuracy")
    right.legend()
    figure.savefig(file)


# --- the command line ------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\n")


def number(kind: type, least: float, what: str, end: float = math.inf) -> Callable[[str], Any]:
    """A reader of numbers from ``least`` on and below ``end``, for argparse."""

    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value < end:
            raise argparse.ArgumentTypeError(f"requires {what}, got {text!r}")
        return value

    return read


def make_parser() -> Parser:
    """The options; all but the seed are about the digits."""
    count = number(int, 1, "a positive integer")
    defaults = ", ".join(f"{rate:g} for {name}" for name, rate in LEARNING_RATES.items())
    parser = Parser(prog="python -m fnad", description="Train the tutorial model, then a reader of handwritten digits.")
    add = parser.add_argument
    add("--epochs", type=count, default=30, help="passes through the digits (default: 30)")
    add("--hidden", type=count, nargs="*", default=[128, 128], metavar="UNITS", help="hidden layers (default: 128 128)")
    add("--batch-size", type=count, default=32, help="digits in a step (default: 32)")
    add("--lr", type=number(float, 0, "a number of at least 0"), help=f"learning rate (default: {defaults})")
    add("--optimizer", choices=OPTIMIZERS, default="adam", help="how the digits are learnt (default: adam)")
    seed = number(int, 0, "an integer from 0 up to 2**63 - 1", 2**63)
    add("--seed", type=seed, default=0, help="of all that is random (default: 0)")
    add("--device", choices=DEVICES, default="cpu", help="where to train; auto is a GPU where one works (default: cpu)")
    add("--plot", type=Path, metavar="FILE", help="draw the curves into a file (needs matplotlib)")
    return parser


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options, with all that is wrong with them found before any training."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    examples = round(TRAIN_FRACTION * len(data.digits()[1]))
    if options.batch_size > examples:
        given = options.batch_size
        parser.error(f"argument --batch-size: requires at most the {examples} training digits, got {given}")
    if options.lr is None:
        options.lr = LEARNING_RATES[options.optimizer]
    options.processor = find_processor(parser, options.device)
    options.figure = make_figure(parser, options.plot) if options.plot else None
    return options


def find_processor(parser: Parser, device: str) -> Device:
    """The device that models are trained on; one line says so if it is not what was asked for."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = chosen(device)
        except fnad.DeviceError as error:
            parser.error(f"argument --device: {str(error).partition(chr(10))[0]}")
    for warning in caught:
        print(warning.message, file=sys.stderr)
    return found


def make_figure(parser: Parser, file: Path) -> Any:
    """An empty matplotlib figure that can be saved to ``file``."""
    try:
        matplotlib_figure = importlib.import_module("matplotlib.figure")
    except ImportError:
        parser.error("argument --plot: requires matplotlib, which is not installed. Try: pip install 'fnad[plot]'")
    figure = matplotlib_figure.Figure(figsize=(12, 3.5), layout="constrained")
    kinds = sorted(figure.canvas.get_supported_filetypes())
    if file.suffix[1:].lower() not in kinds:
        parser.error(f"argument --plot: requires a file name that ends in one of {', '.join(kinds)}, got '{file}'")
    if not file.absolute().parent.is_dir():
        parser.error(f"argument --plot: requires a folder that exists, got '{file}'")
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Train both models and show the results."""
    options = read_options(arguments)
    with fnad.default_device(options.device):
        train(options)
    return 0


def train(options: argparse.Namespace) -> None:
    """Train both models where that is chosen."""
    print(f"Device {options.processor}")
    print("Tutorial model: 10-5-1, mean squared error, gradient descent, 1000 epochs of one batch of 100")
    tutorial = train_tutorial(options.seed)
    layers = "-".join(map(str, [64, *options.hidden, 10]))
    print(
        f"Digits: {layers}, softmax cross-entropy, {options.optimizer} at {options.lr:g}, batches of "
        f"{options.batch_size}"
    )
    digits = train_digits(options)
    print(f"Test accuracy: {digits[-1].test_accuracy:.2%}")
    if options.plot:
        draw(options.figure, options.plot, tutorial, digits)
        print(f"Curves drawn into {options.plot}")


if __name__ == "__main__":
    sys.exit(main())
