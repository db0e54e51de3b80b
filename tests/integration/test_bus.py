"""The one way to the broker, with a real one: codes kept, nothing lost, nothing hung."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kleinmaelzung_bus import session as bus
from kleinmaelzung_bus.session import BusError, BusLost, Message, NotPermitted, Session, Will
from kleinmaelzung_local import ports
from kleinmaelzung_wire import access
from kleinmaelzung_wire.waits import Waits
from tests.brokers import AGENT_SECRET, PASSWORD, TestBroker
from tests.waiting import until

DATA = "kleinmaelzung/pi-1/balance/data"
STATE = "kleinmaelzung/pi-1/balance/state"
STATUS = "kleinmaelzung/pi-1/status"


def ignore(message: Message) -> None:
    pass


def agent(broker: TestBroker) -> bus.Broker:
    return broker.stranger("agent:pi-1", AGENT_SECRET)


@contextmanager
def frozen(broker: TestBroker) -> Iterator[None]:
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.pid, signal.SIGCONT)


async def test_wrong_credentials_are_not_permitted_and_the_sentence_names_the_user(broker: TestBroker) -> None:
    for user, password in (("anna", "wrong"), ("nobody", PASSWORD), ("agent:pi-1", "")):
        with pytest.raises(NotPermitted, match=f"the broker does not know '{user}' with this password"):
            async with bus.connect(broker.stranger(user, password), client_id="x", on_message=ignore):
                pass


async def test_no_broker_is_said_with_its_address() -> None:
    port = ports.find_free()
    nowhere = bus.Broker(host="127.0.0.1", port=port, user="anna", password="x")
    with pytest.raises(BusError, match=f"no broker at 127.0.0.1:{port}"):
        async with bus.connect(nowhere, client_id="x", on_message=ignore):
            pass


async def test_refusals_are_exceptions_and_the_session_lives_on(broker: TestBroker) -> None:
    async with bus.connect(broker.stranger("otto"), client_id="x", on_message=ignore) as otto:
        with pytest.raises(NotPermitted, match="not permitted to publish to kleinmaelzung/pi-1/balance/command/otto"):
            await otto.publish("kleinmaelzung/pi-1/balance/command/otto", b"")
        with pytest.raises(NotPermitted, match="not permitted to subscribe to kleinmaelzung/#"):
            await otto.subscribe("kleinmaelzung/#")
        await otto.subscribe(DATA)
        assert not otto.is_lost


async def test_publish_says_whether_somebody_was_subscribed(broker: TestBroker) -> None:
    async with (
        bus.connect(agent(broker), client_id="x", on_message=ignore) as pi,
        bus.connect(broker.stranger("otto"), client_id="x", on_message=ignore) as otto,
    ):
        assert not await pi.publish(STATE, b"1")
        await otto.subscribe(STATE)
        assert await pi.publish(STATE, b"2")
        await otto.unsubscribe(STATE)
        assert not await pi.publish(STATE, b"3")


async def test_a_message_keeps_its_options(broker: TestBroker) -> None:
    heard: list[Message] = []
    async with (
        bus.connect(agent(broker), client_id="x", on_message=heard.append) as pi,
        bus.connect(broker.stranger("anna"), client_id="x", on_message=ignore) as anna,
    ):
        await pi.subscribe("kleinmaelzung/pi-1/+/command/+", qos=1, subscription=7)
        topic, inbox = "kleinmaelzung/pi-1/balance/command/anna", "kleinmaelzung/_client/anna/s1/inbox"
        await anna.publish(topic, b"\x00\xff", expiry_s=5, response_topic=inbox, correlation=b"\x01")
        await until(lambda: heard, "the command")
    message = heard[0]
    assert (message.topic, message.payload, message.qos, message.retained) == (topic, b"\x00\xff", 1, False)
    assert (message.response_topic, message.correlation, list(message.subscriptions)) == (inbox, b"\x01", [7])


async def test_retained_messages_come_only_where_they_are_wanted(broker: TestBroker) -> None:
    heard: list[Message] = []
    async with (
        bus.connect(agent(broker), client_id="x", on_message=ignore) as pi,
        bus.connect(broker.stranger("otto"), client_id="x", on_message=heard.append) as otto,
    ):
        await pi.publish(STATE, b"kept", retained=True)
        await otto.subscribe("kleinmaelzung/pi-1/+/state", retained=False)
        await pi.publish(STATE, b"live")
        await until(lambda: heard, "the live one")
        await otto.subscribe(STATE)
        await until(lambda: len(heard) == 2, "the retained one")
    assert [(message.payload, message.retained) for message in heard] == [(b"live", False), (b"kept", True)]


async def test_20_000_messages_are_handed_over_in_order_and_none_is_lost(broker: TestBroker) -> None:
    heard: list[int] = []
    async with (
        bus.connect(agent(broker), client_id="x", on_message=ignore) as pi,
        bus.connect(
            broker.stranger("otto"), client_id="x", on_message=lambda message: heard.append(int(message.payload))
        ) as otto,
    ):
        await otto.subscribe(DATA)
        for number in range(20_000):
            while not pi.publish_soon(DATA, str(number).encode()):
                await asyncio.sleep(0)
            if number % 100 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(heard) == 20_000, "all of them")
    assert heard == list(range(20_000))


async def test_a_handler_that_raises_does_not_end_the_connection(
    broker: TestBroker, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[bytes] = []

    def fail_at_the_first(message: Message) -> None:
        heard.append(message.payload)
        if message.payload == b"bad":
            raise RuntimeError("cannot bear it")

    async with (
        bus.connect(agent(broker), client_id="x", on_message=ignore) as pi,
        bus.connect(broker.stranger("otto"), client_id="x", on_message=fail_at_the_first) as otto,
    ):
        await otto.subscribe(STATE)
        await pi.publish(STATE, b"bad")
        await pi.publish(STATE, b"good")
        await until(lambda: heard == [b"bad", b"good"], "both")
        assert not otto.is_lost
    assert "failed at a message of 3 bytes" in caplog.text
    assert "cannot bear it" in caplog.text


async def test_keep_connects_and_subscribes_again_and_serve_ends_with_its_session(broker: TestBroker) -> None:
    heard: list[bytes] = []
    served: list[Session] = []
    cancelled: list[Session] = []

    async def serve(session: Session) -> None:
        await session.subscribe(STATE, qos=1)
        served.append(session)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(session)
            raise

    keeping = asyncio.create_task(
        bus.keep(broker.stranger("otto"), client_id="x", serve=serve, on_message=lambda m: heard.append(m.payload))
    )
    await until(lambda: len(served) == 1, "served")
    await broker.stop()
    await until(lambda: cancelled == served, "serve is cancelled with its session")
    assert served[0].is_lost
    await broker.start()
    await until(lambda: len(served) == 2, "served again")
    async with bus.connect(agent(broker), client_id="x", on_message=ignore) as pi:
        assert await pi.publish(STATE, b"again")
    await until(lambda: heard == [b"again"], "it hears again")
    keeping.cancel()
    await asyncio.wait((keeping,))
    assert keeping.cancelled()
    assert cancelled == served


async def test_keep_warns_once_while_the_broker_is_away(
    broker: TestBroker, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "WAITS", Waits(first_s=0.01, longest_s=0.05))
    await broker.stop()
    caplog.set_level(logging.DEBUG, bus.logger.name)

    async def serve(session: Session) -> None:
        pass

    def levels(level: int) -> int:
        return sum(record.levelno == level for record in caplog.records if record.name == bus.logger.name)

    keeping = asyncio.create_task(bus.keep(broker.stranger("otto"), client_id="x", serve=serve, on_message=ignore))
    await until(lambda: levels(logging.DEBUG) >= 3, "several attempts")
    assert levels(logging.WARNING) == 1
    await broker.start()
    await until(lambda: "connected to the broker again after" in caplog.text, "it is said once it is back")
    keeping.cancel()
    await asyncio.wait((keeping,))


async def test_what_serve_does_wrong_is_not_taken_for_a_lost_broker(broker: TestBroker) -> None:
    async def serve(session: Session) -> None:
        raise LookupError("a mistake of ours")

    with pytest.raises(LookupError, match="a mistake of ours"):
        await bus.keep(broker.stranger("otto"), client_id="x", serve=serve, on_message=ignore)


async def test_a_frozen_broker_fails_a_publish_in_time(broker: TestBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "ANSWER_TIMEOUT_S", 0.5)
    async with asyncio.timeout(10), bus.connect(agent(broker), client_id="x", on_message=ignore) as pi:
        with frozen(broker):
            with pytest.raises(BusError, match=f"publishing to {STATE}: no answer by the broker within"):
                await pi.publish(STATE, b"1")
            with pytest.raises(BusError, match="no broker at"):
                async with bus.connect(broker.stranger("otto"), client_id="x", on_message=ignore):
                    pass
        assert not await pi.publish(STATE, b"2")  # it lives, and answers that came late confuse nothing


async def test_a_broker_that_does_not_read_costs_counted_messages_and_no_memory(broker: TestBroker) -> None:
    async with bus.connect(agent(broker), client_id="x", on_message=ignore) as pi:
        with frozen(broker):
            payload = bytes(8192)
            taken = sum(pi.publish_soon(DATA, payload) for _ in range(bus.MAX_BACKLOG + 3000))
            assert bus.MAX_BACKLOG <= taken < bus.MAX_BACKLOG + 3000
            assert pi.dropped == bus.MAX_BACKLOG + 3000 - taken
        await pi.publish(STATE, b"alive")


async def test_a_cancellation_while_waiting_for_an_answer_is_not_swallowed(broker: TestBroker) -> None:
    async with bus.connect(agent(broker), client_id="x", on_message=ignore) as pi:
        with frozen(broker):
            waiting = asyncio.create_task(pi.publish(STATE, b"1"))
            await until(lambda: pi._client.answers, "it waits")
            waiting.cancel()
            await asyncio.wait((waiting,))
            assert waiting.cancelled()
            assert not pi._client.answers

            both = asyncio.create_task(pi.publish(STATE, b"2"))
            await until(lambda: pi._client.answers, "it waits")
            [answer] = pi._client.answers.values()
            answer.set_result([0])  # the answer and the cancellation in one step of the loop
            both.cancel()
            await asyncio.wait((both,))
            assert both.cancelled()


async def test_a_waiting_publish_notices_the_loss_at_once(broker: TestBroker) -> None:
    async with bus.connect(agent(broker), client_id="x", on_message=ignore) as pi:
        os.kill(broker.pid, signal.SIGSTOP)
        waiting = asyncio.create_task(pi.publish(STATE, b"1"))
        await until(lambda: pi._client.answers, "it waits")
        os.kill(broker.pid, signal.SIGKILL)
        with pytest.raises(BusLost):
            await waiting
        with pytest.raises(BusLost):
            pi.publish_soon(DATA, b"")


async def test_the_will_is_published_on_drop_and_not_on_an_orderly_end(broker: TestBroker) -> None:
    heard: list[tuple[bytes, bool]] = []
    will = Will(topic=STATUS, payload=b"gone")
    async with bus.connect(
        broker.stranger("otto"), client_id="x", on_message=lambda m: heard.append((m.payload, m.retained))
    ) as otto:
        await otto.subscribe(STATUS, qos=1)
        async with bus.connect(agent(broker), client_id="x", on_message=ignore, will=will) as pi:
            await pi.publish(STATUS, b"orderly", retained=True)
        async with bus.connect(agent(broker), client_id="x", on_message=ignore, will=will) as pi:
            await pi.publish(STATUS, b"dropping", retained=True)
            pi.drop()
            assert pi.is_lost
        await until(lambda: len(heard) >= 3, "the will")
        assert [payload for payload, _ in heard] == [b"orderly", b"dropping", b"gone"]
        heard.clear()
        await otto.subscribe(STATUS, qos=1)
        await until(lambda: heard, "the will is retained")
        assert heard == [(b"gone", True)]


async def test_a_session_that_was_taken_over_ends(broker: TestBroker) -> None:
    account = broker.mosquitto.broker("logger")
    async with (
        bus.connect(account, client_id="one", on_message=ignore) as first,
        bus.connect(account, client_id="one", on_message=ignore) as second,
    ):
        with pytest.raises(BusLost) as lost:
            async with asyncio.timeout(10):
                await first.wait_lost()
        assert lost.value.code in (0, bus.TAKEN_OVER)  # Mosquitto 2.0.11 closes without a word
        await second.subscribe(DATA)


async def test_a_stranger_cannot_take_over_anothers_session_by_its_client_id(broker: TestBroker) -> None:
    async with (
        bus.connect(agent(broker), client_id="x", on_message=ignore) as pi,
        bus.connect(broker.stranger("otto"), client_id="agent:pi-1", on_message=ignore) as otto,
    ):
        await otto.subscribe(DATA)
        await pi.publish(STATE, b"still here")


async def test_a_removed_account_loses_its_session_at_once(broker: TestBroker) -> None:
    async with bus.connect(broker.stranger("otto"), client_id="x", on_message=ignore) as otto:
        await broker.manage(access.remove_account("otto"))
        with pytest.raises(BusLost):
            async with asyncio.timeout(10):
                await otto.wait_lost()


@pytest.mark.parametrize("url", ["http://h:1", "h:1883", "mqtt://", ""])
def test_what_is_no_brokers_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected mqtt://host:port"):
        bus.Broker.from_url(url, user="a", password="b")


def test_a_brokers_address_hides_its_password() -> None:
    broker = bus.Broker.from_url("mqtt://lab:1884", user="a", password="secret")
    assert (broker.host, broker.port) == ("lab", 1884)
    assert bus.Broker.from_url("mqtt://lab", user="a", password="b").port == 1883
    assert "secret" not in repr(broker)


def test_mqtts_means_tls_with_a_port_of_its_own_and_no_secret_in_the_address() -> None:
    broker = bus.Broker.from_url("mqtts://lab", user="a", password="b", ca_file=Path("/ca.pem"))
    assert (broker.tls, broker.port, broker.ca_file) == (True, 8883, Path("/ca.pem"))
    with pytest.raises(ValueError, match="no user and no password") as refused:
        bus.Broker.from_url("mqtts://a:geheim@lab", user="a", password="b")
    assert "geheim" not in str(refused.value)


async def test_keep_that_is_cancelled_as_the_broker_is_lost_ends(broker: TestBroker) -> None:
    served = asyncio.Event()

    async def serve(session: Session) -> None:
        sessions.append(session)
        served.set()
        await asyncio.Event().wait()

    sessions: list[Session] = []
    account = broker.stranger("otto")
    keeping = asyncio.create_task(bus.keep(account, client_id="x", serve=serve, on_message=ignore))
    await served.wait()
    sessions[0].drop()
    await asyncio.sleep(0)  # the loss is on its way to keep() when the cancellation comes, as when all is stopped
    keeping.cancel()
    ended, _ = await asyncio.wait((keeping,), timeout=5)
    keeping.cancel()  # once more, so that a failure here does not hang the rest
    assert ended == {keeping}
    assert keeping.cancelled()
