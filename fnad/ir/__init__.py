"""The intermediate representation: typed SSA Programs and how they print, their checker and interpreter."""
