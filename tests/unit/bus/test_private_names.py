"""What we use of aiomqtt and paho without their promise: a new version that lacks it fails here, not at night."""

import aiomqtt
import pytest

from kleinmaelzung_bus import client as bus_client

NAMES = [(owner, name) for owner, names in bus_client.PRIVATE_NAMES.items() for name in names]


@pytest.mark.parametrize(("owner", "name"), NAMES, ids=[f"{owner.__module__}-{name}" for owner, name in NAMES])
def test_the_private_name_exists(owner: type, name: str) -> None:
    assert callable(getattr(owner, name))


async def test_the_private_attributes_exist() -> None:
    client = aiomqtt.Client("127.0.0.1")
    for name in ("_client", "_disconnected", "_misc_task", "_loop"):
        assert hasattr(client, name), name
    for name in ("_sock", "_out_packet"):
        assert hasattr(client._client, name), name
