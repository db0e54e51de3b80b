"""RabbitMQ, where it is installed; where not, its tests are skipped and say what to do."""

import pytest

from tests.cluster import rabbitmq


@pytest.fixture
def needs_rabbitmq() -> None:
    if why := rabbitmq.why_not():
        pytest.skip(why)
