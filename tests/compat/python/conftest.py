"""The fixtures that every test may ask for."""

import pytest

pytest.register_assert_rewrite("house")

from house import house  # noqa: E402, F401


@pytest.fixture(scope="module")
def client(house):  # noqa: F811
    """The backend: Stream's SDK with the secret."""
    return house.client
