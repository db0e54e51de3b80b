"""How deep msgpack bytes nest, told without building anything.

msgpack makes room for as many elements as a header claims before it sees one: a few bytes, nested a thousand times,
cost 67 MB. So what looks like it is measured first. Source: the msgpack specification, "Formats".
"""

# Headers that claim up to 65 535 elements and more. Elsewhere these bytes are data, and rarely many.
_LARGE = (b"\xdc", b"\xdd", b"\xde", b"\xdf")
HARMLESS = 64  # nested large headers cost 64 KiB each

_SCALARS = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_FIXED_EXTENSIONS = {0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}
_FIXED = _SCALARS | _FIXED_EXTENSIONS  # bytes that follow
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}  # width of the size of what follows
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}  # the same, and a byte for the type
_CONTAINERS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}  # width of the count, values for each


def is_suspicious(payload: bytes) -> bool:
    """Whether the bytes could nest large containers deeply; quick, and true for a few honest payloads too."""
    return sum(map(payload.count, _LARGE)) > HARMLESS


def is_deeper(payload: bytes, allowed: int) -> bool:
    """Whether containers nest deeper than allowed. Malformed bytes are not judged: unpacking refuses them."""
    position, open_containers = 0, [1]  # values still to come in each
    while position < len(payload):
        step, values = _step(payload, position)
        position += step
        open_containers[-1] -= 1
        if values:
            open_containers.append(values)
            if len(open_containers) > allowed + 1:
                return True
        while open_containers and not open_containers[-1]:
            open_containers.pop()
        if not open_containers:
            return False
    return False


def _step(payload: bytes, position: int) -> tuple[int, int]:
    """The length of the value's own bytes, and how many values it contains."""
    head = payload[position]
    if head < 0x80 or head >= 0xE0:
        return 1, 0
    if head < 0x90:
        return 1, 2 * (head & 0x0F)
    if head < 0xA0:
        return 1, head & 0x0F
    if head < 0xC0:
        return 1 + (head & 0x1F), 0
    if head in _CONTAINERS:
        width, each = _CONTAINERS[head]
        return 1 + width, each * _count(payload, position, width)
    if head in _SIZED:
        width = _SIZED[head]
        return 1 + width + _count(payload, position, width), 0
    if head in _EXTENSIONS:
        width = _EXTENSIONS[head]
        return 2 + width + _count(payload, position, width), 0
    return 1 + _FIXED.get(head, 0), 0


def _count(payload: bytes, position: int, width: int) -> int:
    return int.from_bytes(payload[position + 1 : position + 1 + width], "big")
