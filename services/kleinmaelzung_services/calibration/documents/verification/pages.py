"""What the pages of a PDF show: bytes in; a digest out that does not depend on how they are packed."""

import hashlib
from typing import Any, Final

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

from kleinmaelzung_services.calibration.documents.verification import pdf as verification_pdf
from kleinmaelzung_services.calibration.documents.verification.pdf import Unreadable, entry

_INHERITED: Final = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
_DEEPEST: Final = 50
_PACKING: Final = ("/Length", "/Filter", "/DecodeParms", "/Parent")


def digest(pdf: bytes) -> str:
    """What all pages show, whatever packed it: the same digest for the same pages. Raises Unreadable."""
    try:
        reader = verification_pdf.opened(pdf)
        found, seen = hashlib.sha256(), dict[Any, int]()
        for page in verification_pdf.leaves(reader.root["/Pages"], "/Kids"):
            _feed(_with_inherited(page), found, seen)
    except Exception as error:  # as pdf.opened says
        raise Unreadable(f"the pages cannot be read: {error!s:.200}") from None
    return found.hexdigest()


def _with_inherited(page: Any) -> Any:
    """With the attributes that all pages may share (ISO 32000-1, 7.7.3.4)."""
    whole, above = DictionaryObject(page), page  # type: ignore[no-untyped-call]
    for _ in range(_DEEPEST):
        if "/Parent" not in above:
            return whole
        above = above["/Parent"]
        for key in _INHERITED:
            if key in above and key not in whole:
                whole[NameObject(key)] = above.raw_get(key)
    raise Unreadable("the file has a tree of pages that is too deep: no certificate of ours has")


def _feed(value: Any, digest: Any, seen: dict[Any, int]) -> None:
    """Feed a value and all it refers to; streams unpacked, each object once."""
    if isinstance(value, IndirectObject):
        if value.reference in seen:
            digest.update(b"again %d " % seen[value.reference])
            return
        seen[value.reference] = len(seen)
        value = value.reference.get_object()
    if isinstance(value, DictionaryObject):
        digest.update(b"<<")
        for key in sorted(key for key in value if key not in _PACKING):
            if key == "/Annots" and not _annotations(value):
                continue
            digest.update(f"{key} ".encode())
            _feed(value.raw_get(key), digest, seen)
        digest.update(b">>")
        if isinstance(value, StreamObject):
            digest.update(b"stream %d " % len(value.data) + value.data)
    elif isinstance(value, ArrayObject):
        digest.update(b"[")
        for at in range(len(value)):
            _feed(value.raw_get(at), digest, seen)
        digest.update(b"]")
    else:
        digest.update(f"{type(value).__name__} {value!r} ".encode())


def _annotations(page: Any) -> bool:
    """Whether there is one that shows: a signature of size zero does not."""
    found = page["/Annots"]
    shown = (found[at] for at in range(len(found)))
    return any(entry(each, "/FT") != "/Sig" or any(each["/Rect"]) for each in shown)
