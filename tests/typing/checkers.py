"""Tools that not everybody has."""

from __future__ import annotations

import importlib.util
import os

import pytest


def needed(module: str) -> None:
    """Skip the test if the tool is missing; with TINYACT_NEED_CHECKERS set, let it fail."""
    if importlib.util.find_spec(module) is None:
        if os.environ.get("TINYACT_NEED_CHECKERS"):
            pytest.fail(f"{module} is not installed, and TINYACT_NEED_CHECKERS is set")
        pytest.skip(f"{module} is not installed")
