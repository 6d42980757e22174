#!/usr/bin/env bash
# torch.compile answers with yesterday's value for four kinds of outside state.
#
# Expected: what a compiled function reads from outside is guarded; a change compiles anew. For lists, dicts, sets,
# attributes, slots, properties, numbers, strings, defaults and NumPy arrays that is so. Seen with torch 2.13.0 (CPU,
# backend "eager", Python 3.11), each after a first call:
#   - a global 0.0 that becomes -0.0: x / z is inf, Python's answer is -inf;
#   - OrderedDict.move_to_end: the first value is still the old first one (a plain dict reordered is seen);
#   - os.getenv after os.environ was changed: the old text (os.environ[...] is seen);
#   - a method replaced on the *base* class of an object: the old method runs (one set on the object is seen).
# A second function per case is the control that the same kind is seen elsewhere.
# PYTHON names an interpreter; elsewhere than on Linux without a GPU pip may fetch a larger build of torch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cd "$folder"
cat > seen.py <<'PYTHON'
import os
from collections import OrderedDict

import torch

x = torch.ones(2)


def after(function, change):
    """The compiled and the plain answer after a change, both numbers; before it they have to agree."""
    torch._dynamo.reset()
    compiled = torch.compile(function, backend="eager")
    assert torch.equal(compiled(x), function(x))
    change()
    return compiled(x)[0].item(), function(x)[0].item()


class Base:
    def scale(self, x):
        return x * 2


class Derived(Base):
    pass


zero = 0.0


def negate():
    global zero
    zero = -0.0


item, shadowed = Derived(), Derived()
ordered, plain = OrderedDict(a=1.0, b=2.0), dict(a=1.0, b=2.0)
os.environ["SCALE"] = "1"

seen = {
    "-0.0": after(lambda x: x / zero, negate),
    "OrderedDict": after(lambda x: x * list(ordered.values())[0], lambda: ordered.move_to_end("a")),
    "dict": after(lambda x: x * list(plain.values())[0], lambda: plain.update(a=plain.pop("a"))),
    "os.environ": after(lambda x: x * float(os.environ["SCALE"]), lambda: os.environ.update(SCALE="4")),
    "os.getenv": after(lambda x: x * float(os.getenv("SCALE")), lambda: os.environ.update(SCALE="7")),
    "method of the object": after(lambda x: shadowed.scale(x), lambda: setattr(shadowed, "scale", lambda x: x * 5)),
    "method of the base class": after(lambda x: item.scale(x), lambda: setattr(Base, "scale", lambda self, x: x * 9)),
}
for what, (compiled, python) in seen.items():
    print(f"{what}: compiled {compiled}, Python {python}")
assert seen == {
    "-0.0": (float("inf"), float("-inf")), "OrderedDict": (1.0, 2.0), "dict": (2.0, 2.0), "os.environ": (4.0, 4.0),
    "os.getenv": (4.0, 7.0), "method of the object": (5.0, 5.0), "method of the base class": (2.0, 9.0),
}, "torch.compile behaves otherwise now"
PYTHON
"$folder/venv/bin/python" seen.py
