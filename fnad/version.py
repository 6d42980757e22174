"""The version of the package: read by the build, and part of every kernel's cache key."""

__version__ = "0.1.0"
