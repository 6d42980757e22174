"""The intermediate representation: typed SSA Programs, their checker, printer and interpreter."""
