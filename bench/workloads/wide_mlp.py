"""One training step of a wide MLP 1024-2048-2048-1024, softmax cross-entropy, SGD, batch 1024, float32."""

from __future__ import annotations

from functools import partial

from bench import classifier, mlp
from bench.case import size

TOLERANCE = 1e-3
CHECK_STEPS = 2
ENDS, MIDDLE = size(1024, 48), size(2048, 64)
START = mlp.start((ENDS, MIDDLE, MIDDLE, ENDS))
BATCHES = classifier.make_batches(2, rows=ENDS, inputs=ENDS, classes=ENDS)

fnad = partial(classifier.fnad, START, BATCHES)
jax = partial(classifier.jax, START, BATCHES)
torch = partial(classifier.torch, START, BATCHES)
torch_compile = partial(classifier.torch_compile, START, BATCHES)
autograd = partial(classifier.autograd, START, BATCHES)
numpy = partial(classifier.numpy, START, BATCHES)
limit = partial(classifier.limit, START, BATCHES)
