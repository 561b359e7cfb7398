"""Options of the whole suite."""

import gc

import pytest
from hypothesis import settings

settings.register_profile("same every time", derandomize=True, deadline=None)
settings.load_profile("same every time")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--goldens",
        action="store_true",
        help="write the expected outputs anew instead of comparing",
    )


def pytest_collection_finish() -> None:
    """Leave what was imported and collected, a million objects, out of every later collection."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()
