"""Alias metadata for LLVM: accesses of different scopes never overlap.

A loop over many operands then vectorizes on the CPU without run-time checks. On a GPU nothing is said: a thread's
work is not vectorized.
"""

from llvmlite import ir

from fnad.kernels.instructions import for_gpu

SCOPES = 32
"""Scope numbers run from 0 to SCOPES - 1; larger ones promise nothing."""


def mark_scope(builder: ir.IRBuilder, access: ir.Instruction, scope: int | None) -> None:
    """Tell LLVM that `access` belongs to `scope` and overlaps no other scope."""
    module = builder.module
    if scope is None or for_gpu(module):
        return
    nodes = getattr(module, "operand_scopes", None)  # the module holds them, and goes with them
    if nodes is None:
        domain = module.add_metadata(["fnad"])
        nodes = module.operand_scopes = [module.add_metadata([f"operand {k}", domain]) for k in range(SCOPES)]
    access.set_metadata("alias.scope", module.add_metadata([nodes[scope]]))
    access.set_metadata("noalias", module.add_metadata(nodes[:scope] + nodes[scope + 1 :]))
