"""Functions from Program to Program, a file each, and beside each the function that users call."""
