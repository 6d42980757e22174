"""One training step of the size of MNIST: MLP 784-512-256-10, softmax cross-entropy, SGD, batch 128, float32."""

from __future__ import annotations

from functools import partial

from bench import classifier, mlp

TOLERANCE = 1e-3
CHECK_STEPS = 8
START = mlp.start((784, 512, 256, 10))
BATCHES = classifier.make_batches(4, rows=128, inputs=784, classes=10)

fnad = partial(classifier.fnad, START, BATCHES)
jax = partial(classifier.jax, START, BATCHES)
torch = partial(classifier.torch, START, BATCHES)
torch_compile = partial(classifier.torch_compile, START, BATCHES)
autograd = partial(classifier.autograd, START, BATCHES)
numpy = partial(classifier.numpy, START, BATCHES)
limit = partial(classifier.limit, START, BATCHES)
