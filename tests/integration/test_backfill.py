"""A backlog on its way: in bundles, behind live data and replies, on a slow line too, only to a healthy logger."""

import asyncio
import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from kleinmaelzung_agent.agent import Tuning
from kleinmaelzung_agent.sending.backfill import START_WINDOW
from kleinmaelzung_wire import access
from tests.fakes_agent import QUICK
from tests.fakes_gateway import FakeGateway, command
from tests.running_agent import rows, running
from tests.slow_link import KBIT, slow_link
from tests.waiting import LIMIT_S, until
from tests.whole import whole_system

UNHURRIED = Tuning(waits=QUICK.waits)  # the patience of real life
PATIENT = replace(UNHURRIED, patience_s=30)  # on a slow line of a busy machine nothing is taken for lost
CALM = replace(QUICK, patience_s=3)  # an answer that is late because the machine is busy is not one that was lost


async def keep(gateway: FakeGateway, data: Path, count: int, size: int = 1) -> int:
    """Let an agent take frames that nobody logs; returns its epoch."""
    gateway.is_logging = False
    async with running(gateway.url, data, period_s=60) as made:
        await until(lambda: gateway.is_connected, "connected")
        for _ in range(count - 1):
            made.balance.say("x" * size)
        await until(lambda: len(rows(data)) == count, f"{count} frames are kept")
        epoch = made.agent.epoch
    gateway.is_logging = True
    gateway.forget_what_came()
    return epoch


async def test_a_backlog_travels_in_bundles_oldest_first(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        epoch = await keep(gateway, tmp_path, 3000)
        async with running(gateway.url, tmp_path, period_s=60, tuning=CALM):
            await until(lambda: len(gateway.numbers("balance", epoch)) == 3000, "all are logged")
            await until(lambda: not [row for row in rows(tmp_path) if row[0] == epoch], "and forgotten")
        numbers = [frame.number for frame in gateway.kinds["backfill"] if frame.epoch == epoch]
        assert numbers == list(range(1, 3001))
        assert len(gateway.bundles) < 300
        assert gateway.conflicts == []


async def test_what_describes_and_live_frames_come_first_after_an_outage(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        await keep(gateway, tmp_path, 1000)
        await gateway.stop()
        async with running(gateway.url, tmp_path, period_s=0.001, tuning=replace(CALM, window_s=60)) as made:
            await until(lambda: made.balance.count >= 20, "twenty live frames wait")
            await gateway.start()
            await until(lambda: len(gateway.kinds["backfill"]) >= 1000, "the backlog has come", limit_s=60)
        tails = [tail for tail, _ in gateway.came]
        first_live, first_backfill = tails.index("balance/data"), tails.index("balance/backfill")
        assert {"status", "balance/description", "balance/state"} <= set(tails[:first_live])
        assert tails[first_live:first_backfill].count("balance/data") >= 20


async def test_of_a_lost_bundle_everything_is_sent_again_and_nothing_else(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        epoch = await keep(gateway, tmp_path, 1000)
        gateway.to_lose = 1
        async with running(gateway.url, tmp_path, period_s=60, tuning=CALM):
            await until(lambda: len(gateway.numbers("balance", epoch)) == 1000, "all are logged")
        came = Counter(frame.number for frame in gateway.kinds["backfill"] + gateway.lost if frame.epoch == epoch)
        lost = {frame.number for frame in gateway.lost}
        assert len(lost) > 10
        assert {number for number, times in came.items() if times > 1} == lost


async def test_an_unwell_logger_gets_nothing_and_a_well_one_everything_at_once(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        epoch = await keep(gateway, tmp_path, 5000)
        gateway.is_logging = False
        async with running(gateway.url, tmp_path, period_s=0.01, tuning=UNHURRIED) as made:
            await until(lambda: gateway.bundles, "the backlog has begun")
            await gateway.announce(healthy=False)
            count = made.balance.count
            await until(lambda: made.balance.count > count + 20, "readings go on")
            sent = len(gateway.bundles)
            count = made.balance.count
            await until(lambda: made.balance.count > count + 50, "readings go on")
            assert len(gateway.bundles) == sent
            gateway.is_logging = True
            await gateway.announce(healthy=True)
            await until(lambda: len(gateway.numbers("balance", epoch)) == 5000, "all are logged")
            assert gateway.bundles[sent] > 1  # no probe


async def test_silence_of_an_announced_logger_leads_to_single_frames(tmp_path: Path) -> None:
    async with FakeGateway() as gateway:
        epoch = await keep(gateway, tmp_path, 1000)
        gateway.is_logging = False
        async with running(gateway.url, tmp_path, period_s=60, tuning=replace(QUICK, patience_s=0.05)):
            await until(lambda: gateway.bundles[-3:] == [1, 1, 1], "it probes")
            oldest = [frame.number for frame in gateway.kinds["backfill"]][-3:]
            assert oldest == [1, 1, 1]
            gateway.is_logging = True
            await until(lambda: len(gateway.numbers("balance", epoch)) == 1000, "all are logged")


async def test_on_a_slow_line_commands_are_answered_and_live_frames_come_amid_the_backlog(tmp_path: Path) -> None:
    async with FakeGateway() as gateway, slow_link(gateway.port, 64 * KBIT) as link:
        epoch = await keep(gateway, tmp_path, 600, size=400)
        async with running(link.url, tmp_path, period_s=0.2, tuning=PATIENT) as made:
            for number in range(1, 5):
                so_far = len(gateway.numbers("balance", epoch))
                await until(lambda: len(gateway.numbers("balance", epoch)) > so_far, "the backlog goes on")  # noqa: B023
                began = len(gateway.came)
                await gateway.command("balance", command(str(number)).encode())
                await until(lambda: len(gateway.replies) == number, "a reply")  # noqa: B023
                overtaken = sum(size for tail, size in gateway.came[began:] if tail == "balance/backfill")
                assert overtaken <= 2 * START_WINDOW
                assert gateway.replies[-1][0].result == "done"
            await until(lambda: len(gateway.kinds["data"]) > 10, "live frames come")
            assert len(gateway.numbers("balance", epoch)) < 600
            live = [index for index, (tail, _) in enumerate(gateway.came) if tail == "balance/data"]
            between = [sum(size for _, size in gateway.came[one + 1 : other]) for one, other in pairwise(live)]
            assert max(between) <= 2 * START_WINDOW
            link.rate = math.inf
            await until(lambda: len(gateway.numbers("balance", epoch)) == 600, "all are logged")
            # Each command leaves a record, which is a frame too.
            replies = len(gateway.replies)
            await until(
                lambda: made.balance.count == len(gateway.numbers("balance", made.agent.epoch)) - replies, "live too"
            )
        came = Counter((frame.epoch, frame.number) for frame in gateway.kinds["backfill"])
        assert max(came.values()) == 1
        assert gateway.connections == 2


async def test_the_whole_system_answers_over_a_slow_line_and_misses_nothing(tmp_path: Path) -> None:
    data, secret = tmp_path / "agent", access.make_secret()
    async with FakeGateway() as gateway:
        epoch = await keep(gateway, data, 600, size=400)
    async with whole_system(tmp_path) as whole:
        await whole.lab.access(access.add_agent("pi-1", secret))
        port = int(whole.running.url.rpartition(":")[2])
        async with (
            slow_link(port, 64 * KBIT) as link,
            running(link.url, data, period_s=0.2, tuning=PATIENT, secret=secret) as made,
        ):
            await until(lambda: made.agent.epoch and link.carried > START_WINDOW, "the backlog is under way")
            replies = [await whole.lab.send("pi-1/balance", "tare", timeout=LIMIT_S) for _ in range(3)]
            assert [reply.result for reply in replies] == ["done"] * 3
            async with asyncio.timeout(LIMIT_S):
                while not await whole.ask("SELECT count(*) FROM frames WHERE via = 'data'"):
                    await asyncio.sleep(0.05)
            assert len([row for row in rows(data) if row[0] == epoch]) > 0
            link.rate = math.inf
            await until(lambda: not [row for row in rows(data) if row[0] == epoch], "all is logged")
        kept = "SELECT count(*) FROM frames JOIN streams ON streams.id = frames.stream WHERE epoch = $1"
        assert await whole.ask(kept, epoch) == 600
