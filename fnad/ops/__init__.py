"""The primitives, by family: strict operations that neither broadcast nor promote."""
