"""Streams asked of a service that is a function here."""

import asyncio
from typing import Any

import pytest

from kleinmaelzung import ConnectionLost, Error, NotReachable, Refused, streams
from kleinmaelzung_wire import sockets
from tests.waiting import until

QUESTION = {"instrument": "pi-1/balance", "from": 1}


class Service:
    """Holds one stream. `trouble` is raised instead of answers, one after another; the stream goes on behind it."""

    def __init__(self, pieces: list[Any], trouble: list[Exception] | None = None) -> None:
        self.pieces = pieces
        self.trouble = trouble or []
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def ask(self, name: str, question: dict[str, Any]) -> Any:
        self.asked.append((name, question))
        if name == streams.END:
            return {}
        if name == streams.NEXT and self.trouble:
            raise self.trouble.pop(0)
        number = question["number"] if name == streams.NEXT else 0
        more = number + 1 < len(self.pieces)
        answer = {"piece": self.pieces[number], "more": more, "done": number + 1}
        if name == streams.NEXT:
            return answer
        return {"stream": "s1" if more else None, "instrument": "pi-1/balance", "expected": len(self.pieces), **answer}

    def names(self) -> list[str]:
        return [name for name, _ in self.asked]


async def read(service: Service) -> list[Any]:
    async with streams.opened(service.ask, "history", QUESTION) as stream:
        return [piece async for piece in stream]


async def test_the_pieces_come_in_their_order_and_the_stream_is_ended() -> None:
    service = Service([b"a", None, b"c"])
    async with streams.opened(service.ask, "history", QUESTION) as stream:
        assert stream.head["expected"] == 3
        assert [(piece, stream.done) async for piece in stream] == [(b"a", 1), (None, 2), (b"c", 3)]
    chosen = service.asked[0][1]["stream"]
    assert service.asked == [
        ("history", {**QUESTION, "stream": chosen}),
        ("history-next", {"stream": "s1", "number": 1}),
        ("history-next", {"stream": "s1", "number": 2}),
        ("history-end", {"stream": "s1"}),
    ]


async def test_an_answer_that_holds_everything_is_no_stream_to_end() -> None:
    service = Service([b"all"])
    assert await read(service) == [b"all"]
    assert service.names() == ["history"]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionLost("the connection was lost"),
        NotReachable("there is no connection"),
        Refused("no answer", sockets.TIMEOUT),
        Refused("too much to do", sockets.BUSY),
    ],
)
async def test_a_piece_whose_answer_was_lost_is_asked_for_again(error: Exception) -> None:
    service = Service([b"a", b"b", b"c"], [error, error])
    assert await read(service) == [b"a", b"b", b"c"]
    numbers = [question["number"] for name, question in service.asked if name == streams.NEXT]
    assert numbers == [1, 1, 1, 2]


async def test_what_does_not_pass_is_raised_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "RETRY_S", 0.3)
    service = Service([b"a", b"b"], [ConnectionLost("the connection was lost") for _ in range(100)])
    with pytest.raises(ConnectionLost):
        await read(service)
    assert service.names().count(streams.NEXT) > 1


async def test_a_refusal_is_final_and_the_stream_is_ended() -> None:
    service = Service([b"a", b"b"], [Refused("there is no stream s1", sockets.UNKNOWN)])
    with pytest.raises(Refused, match="there is no stream"):
        await read(service)
    assert service.names() == ["history", "history-next", "history-end"]


async def test_who_has_enough_ends_the_query_at_the_service() -> None:
    service = Service([b"a", b"b", b"c"])
    async with streams.opened(service.ask, "history", QUESTION) as stream:
        async for _ in stream:
            break
    assert service.names() == ["history", "history-end"]


async def test_a_cancelled_reader_ends_the_query_too() -> None:
    service = Service([b"a", b"b"])
    reading = asyncio.Event()

    async def read_for_ever() -> None:
        async with streams.opened(service.ask, "history", QUESTION) as stream:
            async for _ in stream:
                reading.set()
                await asyncio.Event().wait()

    task = asyncio.create_task(read_for_ever())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert service.names()[-1] == "history-end"


async def test_a_service_that_does_not_even_end_it_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "END_LIMIT_S", 0.05)
    service = Service([b"a", b"b"])

    async def ask(name: str, question: dict[str, Any]) -> Any:
        if name == streams.END:
            await asyncio.Event().wait()
        return await service.ask(name, question)

    async with streams.opened(ask, "history", QUESTION) as stream:
        assert [piece async for piece in stream] == [b"a", b"b"]


async def test_a_stream_is_ended_before_its_first_answer_has_come() -> None:
    asked: list[tuple[str, Any]] = []

    async def ask(name: str, question: dict[str, Any]) -> Any:
        asked.append((name, question["stream"]))
        if name != streams.END:
            await asyncio.Event().wait()

    async def read() -> None:
        async with streams.opened(ask, "history", QUESTION):
            pass

    reading = asyncio.create_task(read())
    await until(lambda: asked, "it is asked for")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    [(_, chosen), (end, ended)] = asked
    assert (end, ended) == ("history-end", chosen)


async def test_frames_that_no_answer_can_hold_are_named() -> None:
    async def ask(name: str, question: dict[str, Any]) -> Any:
        return {"stream": None, "piece": None, "more": False, "left_out": [[7, 3]]}

    async with streams.opened(ask, "history", QUESTION) as stream:
        assert stream.left_out == [[7, 3]]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"piece": b""},
        {"piece": b"", "more": 1},
        {"more": False, "stream": None},
        {"piece": b"", "more": True},
    ],
)
async def test_an_answer_that_is_none_is_told(answer: Any) -> None:
    async def ask(name: str, question: dict[str, Any]) -> Any:
        return answer

    with pytest.raises(Error, match="of the history service is not readable"):
        async with streams.opened(ask, "history", QUESTION):
            pass


async def test_a_later_answer_that_is_none_is_told() -> None:
    service = Service([b"a", b"b"])

    async def ask(name: str, question: dict[str, Any]) -> Any:
        answer = await service.ask(name, question)
        return {"more": False} if name == streams.NEXT else answer

    with pytest.raises(Error, match=r"stream\.piece is missing"):
        async with streams.opened(ask, "history", QUESTION) as stream:
            _ = [piece async for piece in stream]
    assert service.names()[-1] == "history-end"
