"""Fixtures of the command line's tests: a gateway that speaks the contract, and a terminal at which an admin sits."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes_client_gateway import FakeGateway, add_balance, add_logger, running
from tests.terminals import Terminal


@pytest.fixture
async def fake_gateway() -> AsyncIterator[FakeGateway]:
    """One with a balance and a logger."""
    async with running(FakeGateway()) as served:
        add_balance(served)
        add_logger(served)
        yield served


@pytest.fixture
def terminal(fake_gateway: FakeGateway, tmp_path: Path) -> Terminal:
    return Terminal(fake_gateway.url, "malt", tmp_path)
