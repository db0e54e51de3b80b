"""Lists that a service answers page by page, the newest first: asked for until there is enough.

a question, "after" the last one that came --> {key: [...], "more": bool}, again and again --> the newest of all
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from kleinmaelzung.asking import Ask, unreadable
from kleinmaelzung_wire.codec import Fields, WireError

T = TypeVar("T")

LOGGERS_PAGE: Final = 200  # entries of a ledger, or alarms


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[T]):
    """One kind of list: `request` asks for it, `key` holds it in an answer, `number` says after which one to go on.

    `of` is whose answer it is, to people. With `page` the service is told how many are wanted, at most so many at once.
    """

    request: str
    key: str
    of: str
    read: Callable[[Any], T]
    number: Callable[[T], int | str]
    page: int | None = None

    async def newest(self, ask: Ask, question: dict[str, Any], limit: int) -> list[T]:
        """The newest ones, at least `limit` where there are as many. Raises Error for an answer that is none."""
        found: list[T] = []
        more = True
        while more and len(found) < limit:
            after = self.number(found[-1]) if found else None
            wanted = {} if self.page is None else {"limit": min(limit - len(found), self.page)}
            shown, more = self._page(await ask(self.request, {**question, "after": after, **wanted}))
            found += shown
        return found

    def _page(self, answer: Any) -> tuple[list[T], bool]:
        try:
            page = Fields(answer, self.key)
            shown = [self.read(one) for one in page.list(self.key)]
            return shown, page.boolean("more") and bool(shown)
        except WireError as error:
            raise unreadable(self.of, error) from error
