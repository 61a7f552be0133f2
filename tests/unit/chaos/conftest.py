"""A short history of one task that kept every promise, for tests to break."""

import pytest
from tests.unit.chaos.histories import Story, clean_story


@pytest.fixture
def story() -> Story:
    return clean_story()
