"""What happens when a compiled function is called: it looks up, stages, compiles and runs."""
