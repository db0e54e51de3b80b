"""How fast the database grows, asked of a logger: hypertables where the server has them, else pages."""

from datetime import timedelta

import asyncpg
import pytest

from kleinmaelzung_bus.session import Broker
from kleinmaelzung_services.config import Config
from kleinmaelzung_services.keeping import Keeping
from kleinmaelzung_services.logger import storage, store
from kleinmaelzung_services.logger.storage import Storage
from kleinmaelzung_services.requests import Asked, RequestRefused
from kleinmaelzung_wire.requests import Request

QUESTION = Request(name=storage.REQUEST, arguments={})
ASKED = Asked(user="anna", role="observer", request=QUESTION, inbox="", correlation=None, deadline=0)
EVEN = """
INSERT INTO samples
SELECT now() - interval '28 days' * g / 40000.0, 1, g, 1, 1, 0, NULL, NULL FROM generate_series(1, 40000) AS g
"""


def config(dsn: str, keeping: Keeping | None = None) -> Config:
    broker = Broker(host="", port=1, user="", password="")
    return Config(broker=broker, dsn=dsn, name="logger", keeping=keeping or Keeping())


async def test_what_came_evenly_for_four_weeks_goes_on_so(dsn: str) -> None:
    async with store.open_store(dsn):
        pass
    connection = await asyncpg.connect(dsn, timeout=5, command_timeout=30)
    await connection.execute("INSERT INTO instruments (agent, name) VALUES ('pi-1', 'balance')")
    await connection.execute("INSERT INTO streams (instrument, epoch) VALUES (1, 5)")
    await connection.execute(EVEN)
    young = await Storage(config(dsn)).answer(ASKED)
    await connection.execute("UPDATE streams SET first_seen = now() - interval '28 days'")
    answer = await Storage(config(dsn)).answer(ASKED)
    short = await Storage(config(dsn, Keeping(raw=timedelta(days=20)))).answer(ASKED)
    await connection.close(timeout=5)
    assert (young["per_day"], young["days"]) == (None, None)
    tables = {table["name"]: table for table in answer["tables"]}
    assert tables["samples"]["per_day"] == pytest.approx(tables["samples"]["bytes"] / 28, rel=0.1)
    assert (tables["frames"]["per_day"], answer["per_day"]) == (0, tables["samples"]["per_day"])
    assert short["per_day"] == pytest.approx(answer["per_day"], rel=0.01)  # asked a moment later
    assert (short["days"], short["tables"][0]["kept_days"]) == (None, 20)
    assert answer["bytes"] > tables["samples"]["bytes"] > 1_000_000


async def test_a_database_that_is_not_there(unused_tcp_port: int) -> None:
    with pytest.raises(RequestRefused, match="the database cannot be read"):
        await Storage(config(f"postgresql://x@127.0.0.1:{unused_tcp_port}/x")).answer(ASKED)
