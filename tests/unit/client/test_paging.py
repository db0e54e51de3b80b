"""Lists that come page by page: what is asked, and when it ends."""

from typing import Any

import pytest

from kleinmaelzung import Error
from kleinmaelzung.paging import Listing

NUMBERS = Listing(request="list", key="numbers", of="of the logger", read=int, number=lambda one: one)
TWO_AT_ONCE = Listing(request="list", key="numbers", of="of the logger", read=int, number=lambda one: one, page=2)


class Service:
    """Has 9 to 1, the newest first, and shows a few at once."""

    def __init__(self, at_once: int = 4) -> None:
        self.questions: list[dict[str, Any]] = []
        self._at_once = at_once

    async def ask(self, name: str, question: dict[str, Any]) -> Any:
        assert name == "list"
        self.questions.append(question)
        below = range((question["after"] or 10) - 1, 0, -1)
        shown = [*below][: question.get("limit", self._at_once)]
        return {"numbers": shown, "more": len(shown) < len(below)}


async def test_pages_are_asked_for_until_there_is_no_more() -> None:
    service = Service()
    assert await NUMBERS.newest(service.ask, {"of": "pi-1/+"}, 100) == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert service.questions == [{"of": "pi-1/+", "after": after} for after in (None, 6, 2)]


async def test_no_page_is_asked_for_once_there_is_enough() -> None:
    service = Service()
    assert len(await NUMBERS.newest(service.ask, {}, 4)) == 4
    assert len(service.questions) == 1


async def test_a_service_that_is_told_how_many_shows_no_more_than_that() -> None:
    service = Service()
    assert await TWO_AT_ONCE.newest(service.ask, {}, 3) == [9, 8, 7]
    assert service.questions == [{"after": None, "limit": 2}, {"after": 8, "limit": 1}]


async def test_a_page_with_nothing_on_it_is_the_last_whatever_it_says() -> None:
    async def ask(name: str, question: dict[str, Any]) -> Any:
        return {"numbers": [], "more": True}

    assert await NUMBERS.newest(ask, {}, 5) == []


async def test_an_answer_that_is_none_is_told_with_whose_it_is() -> None:
    async def ask(name: str, question: dict[str, Any]) -> Any:
        return {"numbers": [1]}

    with pytest.raises(Error, match=r"the answer of the logger is not readable \(.*more"):
        await NUMBERS.newest(ask, {}, 5)
