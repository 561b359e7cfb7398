"""Options of the whole suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--goldens",
        action="store_true",
        help="write the expected outputs anew instead of comparing",
    )
