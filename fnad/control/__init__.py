"""Control flow as operations: loops and branches that are staged whole, on values that differ from call to call."""
