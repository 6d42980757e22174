"""What LLVM is told about memory: accesses of different scopes never overlap.

A loop over many operands then vectorizes on the CPU without run-time checks. On a GPU nothing is said: a thread's
work is not vectorized.
"""

from weakref import WeakKeyDictionary

from llvmlite import ir

from fnad.kernels.instructions import for_gpu

SCOPES = 32
"""Scope numbers run from 0 to SCOPES - 1; larger ones promise nothing."""

_nodes: WeakKeyDictionary = WeakKeyDictionary()


def mark_scope(builder: ir.IRBuilder, access: ir.Instruction, scope: int | None) -> None:
    """Tell LLVM that `access` belongs to `scope` and overlaps no other scope."""
    module = builder.module
    if scope is None or for_gpu(module):
        return
    nodes = _nodes.get(module)
    if nodes is None:
        domain = module.add_metadata(["fnad"])
        nodes = [module.add_metadata([f"operand {k}", domain]) for k in range(SCOPES)]
        _nodes[module] = nodes
    access.set_metadata("alias.scope", module.add_metadata([nodes[scope]]))
    access.set_metadata("noalias", module.add_metadata(nodes[:scope] + nodes[scope + 1 :]))
