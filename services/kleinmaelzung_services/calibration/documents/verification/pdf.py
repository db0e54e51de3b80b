"""A PDF of whoever sent it, opened within limits, and its trees walked through: for those who read in it."""

import io
from collections.abc import Iterator
from typing import Any, Final

from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.generic import DictionaryObject, IndirectObject
from pyhanko.pdf_utils.reader import PdfFileReader

MAX_UNPACKED: Final = 64 * 1024 * 1024  # one attachment: records have that at most
MAX_TOGETHER: Final = 256 * 1024 * 1024  # everything in the file
_MOST_NODES: Final = 10_000  # of a tree of names or pages
_LIMITS: Final = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=MAX_UNPACKED),
    document_budget=DocumentDecodeBudget(base_allowance=MAX_TOGETHER, max_ratio=0),
)


class Unreadable(ValueError):
    """Nothing can be said about what is in this file; the text is a sentence."""


def opened(pdf: bytes) -> PdfFileReader:
    """A strange file raises anything, from KeyError to AssertionError, here and wherever it is looked into."""
    return PdfFileReader(io.BytesIO(pdf), decode_limits=_LIMITS)


def entry(found: Any, key: str) -> Any:
    """What a dictionary has there, wherever it refers to; None where there is neither."""
    return None if found is None or key not in found else found[key]


def leaves(root: Any, kids: str) -> Iterator[Any]:
    """The leaves of a tree, in order; a node that comes twice is a circle."""
    waiting, seen, count = [root], set[Any](), 0
    while waiting:
        node = waiting.pop()
        if isinstance(node, IndirectObject):
            if node.reference in seen:
                raise Unreadable("the file refers to itself in a circle: it is damaged, or made to do harm")
            seen.add(node.reference)
            node = node.reference.get_object()
        if (count := count + 1) > _MOST_NODES:
            raise Unreadable(f"the file has a tree of more than {_MOST_NODES} parts: no certificate of ours has")
        if not isinstance(node, DictionaryObject):
            raise Unreadable("the file is damaged: a tree in it has no branches")
        if kids in node:
            below = node[kids]
            waiting += [below.raw_get(at) for at in reversed(range(len(below)))]
        else:
            yield node
