"""What holds for every test: a private kernel cache, reproducible examples, and Programs that are checked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from fnad.testing import checked_programs
from hypothesis import HealthCheck, settings

from tests.cuda.requirements import assembler as assembler
from tests.cuda.requirements import cuda_compiler as cuda_compiler
from tests.operations import OPERATIONS as OPERATIONS

# The kernel cache is cold at the start of a session and shared by its workers; FNAD_CACHE_DIR names one to keep.
_private_cache = None
if "FNAD_CACHE_DIR" not in os.environ:
    os.environ["FNAD_CACHE_DIR"] = _private_cache = tempfile.mkdtemp(prefix="fnad-tests-")

# The same few examples in every run, or, by FNAD_TEST_PROFILE=deep, many new ones.
_QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", max_examples=20, derandomize=True, database=None, **_QUIET)
settings.register_profile("deep", max_examples=1000, print_blob=True, **_QUIET)
settings.load_profile(os.environ.get("FNAD_TEST_PROFILE", "ci"))


def pytest_unconfigure() -> None:
    """Remove the kernel cache that this process made."""
    if _private_cache is not None:
        shutil.rmtree(_private_cache, ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def programs_are_checked() -> Iterator[None]:
    """Run the checker on every Program that any test makes."""
    with checked_programs():
        yield
