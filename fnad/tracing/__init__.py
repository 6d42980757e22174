"""Staging: a Python function becomes a Program.

staging.py calls it once with traced values, and builder.py writes down what it does with them. tracer.py has the one
kind of traced value, values.py gives Python the numbers that it asks for, state.py knows what is being staged on a
thread, errors.py says what went wrong.
"""
