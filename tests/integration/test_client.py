"""The client library against a real WebSocket server that speaks the contract."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

import kleinmaelzung
from kleinmaelzung_wire import messages, sockets
from tests.fakes_client_gateway import NOW_US, FakeGateway, add_balance, running
from tests.waiting import until

BALANCE = "pi-1/balance"


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with running(FakeGateway()) as served:
        add_balance(served)
        yield served


@pytest.fixture
async def lab(gateway: FakeGateway) -> AsyncIterator[kleinmaelzung.Lab]:
    async with kleinmaelzung.connect(gateway.url, user="anna", password="barley") as connected:
        yield connected


async def eventually(condition: Callable[[], bool]) -> None:
    await until(condition, "what the test waits for")


async def test_frames_arrive_with_times_units_and_values(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    frames = lab.watch(BALANCE)
    await frames.begun()
    await gateway.publish_frame(BALANCE, 1, 12.5)
    frame = await anext(frames)
    assert (frame.instrument, frame.epoch, frame.number, frame.times) == (BALANCE, 7, 1, (NOW_US + 1,))
    assert frame.clock == kleinmaelzung.Clock(synchronised=True, error_us=100)
    assert list(frame.samples()) == [
        kleinmaelzung.Sample(time=NOW_US + 1, channel="weight", value=12.5, unit="g", quality="good")
    ]


async def test_a_pattern_watches_every_instrument(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    frames = lab.watch("+/+")
    await frames.begun()
    await gateway.publish_frame(BALANCE, 1)
    await gateway.publish_frame("pi-2/ph", 1)
    assert [(await anext(frames)).instrument for _ in range(2)] == [BALANCE, "pi-2/ph"]


async def test_overlapping_watches_bring_a_frame_once_to_each(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    every, one = lab.watch("+/+"), lab.watch(BALANCE)
    await every.begun()
    await one.begun()
    for _ in range(2):  # as a gateway may that has two subscriptions for one socket
        await gateway.publish_frame(BALANCE, 1)
    await gateway.publish_frame(BALANCE, 2)
    assert [(await anext(frames)).number for frames in (every, one) for _ in range(2)] == [1, 2, 1, 2]


async def test_a_malformed_frame_is_left_out_and_said(
    gateway: FakeGateway, lab: kleinmaelzung.Lab, caplog: pytest.LogCaptureFixture
) -> None:
    frames = lab.watch(BALANCE)
    await frames.begun()
    await gateway.publish(f"{BALANCE}/data", b"\xc1")
    await gateway.publish_frame(BALANCE, 2)
    assert (await anext(frames)).number == 2
    assert "not readable" in caplog.text


async def test_a_name_that_is_none_is_said_before_anything_is_asked(lab: kleinmaelzung.Lab) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        lab.watch("pi-1/Balance")


async def test_what_may_not_be_watched_raises_refused(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    gateway.forbidden.add(f"{BALANCE}/data")
    with pytest.raises(kleinmaelzung.Refused, match="anna may not watch") as caught:
        await anext(lab.watch(BALANCE))
    assert caught.value.code == sockets.NOT_PERMITTED


async def test_a_slow_consumer_loses_the_oldest_and_is_told_how_many(
    gateway: FakeGateway, lab: kleinmaelzung.Lab
) -> None:
    frames = lab.watch(BALANCE)
    await frames.begun()
    for number in range(1, 1004):
        await gateway.publish_frame(BALANCE, number)
    await eventually(lambda: frames.missed == 3)
    assert (await anext(frames)).number == 4


async def test_what_the_gateway_dropped_counts_too(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    frames = lab.watch(BALANCE)
    await frames.begun()
    await gateway.sessions[0].send("missed", 17)
    await eventually(lambda: frames.missed == 17)


async def test_leaving_the_loop_ends_the_watch_at_the_gateway(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    async def first_value() -> Any:
        async for frame in lab.watch(BALANCE):
            return frame.channels["weight"][0]
        return None

    value = asyncio.create_task(first_value())
    await eventually(lambda: gateway.watched() == [f"{BALANCE}/data"])
    await gateway.publish_frame(BALANCE, 1, 3.5)
    assert await value == 3.5
    del value
    gc.collect()
    await gateway.publish_frame(BALANCE, 2)
    await eventually(lambda: gateway.watched() == [])


async def test_a_closed_watch_ends_its_loop_and_leaves_another_of_the_same_pattern(
    gateway: FakeGateway, lab: kleinmaelzung.Lab
) -> None:
    other = lab.watch(BALANCE)
    async with lab.watch(BALANCE) as frames:
        await frames.begun()
        frames.close()
        assert [frame async for frame in frames] == []
    await other.begun()
    await gateway.publish_frame(BALANCE, 1)
    assert (await anext(other)).number == 1
    assert not [question for question in gateway.questions if question[0] == "unwatch"]


async def test_a_second_watch_gets_what_is_retained_too(lab: kleinmaelzung.Lab) -> None:
    first = lab.messages("+/status")
    assert [message.topic for message in await first.begun()] == ["pi-1/status"]
    assert list(await lab.retained("+/status")) == ["pi-1/status"]


async def test_what_is_still_watched_stays_known_when_another_watch_ends(lab: kleinmaelzung.Lab) -> None:
    async with lab.messages(f"{BALANCE}/state") as states:
        await states.begun()
        for _ in range(3):  # asks for other topics too, and gives them up
            (balance,) = await lab.instruments(BALANCE)
            await eventually(lambda: not any(kind.is_closed for kind in list(lab._link._watches)))
            assert balance.condition == "connected"


async def test_a_lost_connection_comes_back_and_watches_again(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    frames = lab.watch(BALANCE)
    await frames.begun()
    await gateway.drop()
    await eventually(lambda: gateway.logins == 2 and gateway.watched() == [f"{BALANCE}/data"])
    await gateway.publish_frame(BALANCE, 9)
    assert (await anext(frames)).number == 9


async def test_a_server_that_was_away_for_a_while_is_found_again() -> None:
    gateway = FakeGateway()
    async with running(gateway):
        connecting = kleinmaelzung.connect(gateway.url, user="anna", password="barley")
        lab = await connecting.__aenter__()
        frames = lab.watch(BALANCE)
        await frames.begun()
    await eventually(lambda: not lab.is_connected)
    with pytest.raises(kleinmaelzung.NotReachable, match="nothing was sent"):
        await lab.send(BALANCE, "tare")
    async with running(gateway):
        await eventually(lambda: bool(gateway.watched()))
        await gateway.publish_frame(BALANCE, 1)
        assert (await anext(frames)).number == 1
        await connecting.__aexit__(None, None, None)


async def test_a_command_is_answered(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    reply = await lab.send(BALANCE, "set-target", {"mode": "fast"}, mass=20.0, timeout=2)
    assert (reply.result, reply.values) == ("done", {"mode": "fast", "mass": 20.0})
    assert gateway.questions[-1][2:] == [BALANCE, "set-target", {"mode": "fast", "mass": 20.0}, {"timeout": 2}]


async def test_a_command_that_was_not_done_is_a_reply_as_well(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    async def too_late(*question: Any) -> messages.Reply:
        return messages.Reply(id="c", name="tare", user="anna", result="timeout", reason="no answer in 5 s")

    gateway.execute = too_late
    reply = await lab.send(BALANCE, "tare")
    assert (reply.result, reply.reason) == ("timeout", "no answer in 5 s")


async def test_a_command_without_permission_raises_refused(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    gateway.forbidden.add(BALANCE)
    with pytest.raises(kleinmaelzung.Refused, match="anna may not send"):
        await lab.send(BALANCE, "tare")


async def test_many_commands_at_once_get_each_its_own_reply(lab: kleinmaelzung.Lab) -> None:
    replies = await asyncio.gather(*(lab.send(BALANCE, "echo", number=number) for number in range(100)))
    assert [reply.values["number"] for reply in replies] == list(range(100))


async def test_a_command_under_way_when_the_connection_ends_is_not_sent_again(
    gateway: FakeGateway, lab: kleinmaelzung.Lab
) -> None:
    async def never(*question: Any) -> messages.Reply:
        await gateway.drop()
        return messages.Reply(id="c", name="tare", user="anna", result="done")

    gateway.execute = never
    with pytest.raises(kleinmaelzung.ConnectionLost, match="not known whether tare of pi-1/balance was executed"):
        await lab.send(BALANCE, "tare")
    await eventually(lambda: lab.is_connected and gateway.logins == 2)
    assert [question[0] for question in gateway.questions].count("send") == 1


async def test_an_argument_that_cannot_be_sent_is_said_before(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    with pytest.raises(ValueError, match="cannot be packed"):
        await lab.send(BALANCE, "tare", mass=object())  # type: ignore[arg-type]
    assert gateway.questions == []


async def test_instruments_are_listed_with_what_is_known(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    (balance,) = await lab.instruments()
    assert (balance.name, balance.condition, balance.is_live) == (BALANCE, "connected", True)
    assert balance.latest["weight"].value == 12.345
    assert balance.description is not None
    assert [command.name for command in balance.description.commands] == ["tare", "set-target"]


async def test_an_instrument_of_an_absent_agent_is_not_live(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    add_balance(gateway, online=False)
    (balance,) = await lab.instruments("pi-1/+")
    assert (balance.condition, balance.is_live) == ("offline", False)


async def test_hundreds_of_instruments_are_listed(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    for number in range(500):
        for kind in ("description", "state", "latest"):
            gateway.retained[f"pi-1/i{number}/{kind}"] = gateway.retained[f"{BALANCE}/{kind}"]
    assert len(await lab.instruments()) == 501
    await eventually(lambda: gateway.watched() == [])


async def test_accounts_are_for_admins(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    with pytest.raises(kleinmaelzung.Refused, match="not permitted"):
        await lab.access([{"command": "listClients"}])


async def test_a_wrong_password_is_said_at_once(gateway: FakeGateway) -> None:
    with pytest.raises(kleinmaelzung.NotLoggedIn, match="user name or password is wrong"):
        async with kleinmaelzung.connect(gateway.url, user="anna", password="wheat"):
            pass
    assert gateway.logins == 1


async def test_who_is_shut_out_meanwhile_is_told_in_the_loop(gateway: FakeGateway, lab: kleinmaelzung.Lab) -> None:
    frames = lab.watch(BALANCE)
    await frames.begun()
    gateway.passwords["anna"] = "changed"
    await gateway.drop()
    with pytest.raises(kleinmaelzung.NotLoggedIn):
        await anext(frames)
    with pytest.raises(kleinmaelzung.NotLoggedIn):
        await lab.send(BALANCE, "tare")


async def test_nothing_that_listens_is_said_at_once(unused_tcp_port: int) -> None:
    with pytest.raises(kleinmaelzung.NotReachable, match="is it running"):
        async with kleinmaelzung.connect(f"http://127.0.0.1:{unused_tcp_port}", user="anna", password="barley"):
            pass


async def test_a_web_server_that_is_not_ours_is_said(gateway: FakeGateway) -> None:
    with pytest.raises(kleinmaelzung.NotReachable, match="HTTP status 404"):
        async with kleinmaelzung.connect(f"{gateway.url}/elsewhere", user="anna", password="barley"):
            pass


async def test_an_error_of_the_block_comes_out_as_it_is(gateway: FakeGateway) -> None:
    with pytest.raises(ZeroDivisionError):
        async with kleinmaelzung.connect(gateway.url, user="anna", password="barley"):
            _ = 1 / 0


async def test_after_the_block_nothing_waits_for_ever(gateway: FakeGateway) -> None:
    async with kleinmaelzung.connect(gateway.url, user="anna", password="barley") as lab:
        frames = lab.watch(BALANCE)
        await frames.begun()
    with pytest.raises(kleinmaelzung.NotReachable, match="block was left"):
        await anext(frames)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("kleinmaelzung")]
