"""Fixtures shared by all tests."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real payloads and data beside the project, or skip."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent: no real payloads or data to read")
    return SHARED
