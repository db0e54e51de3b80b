"""What calculates and draws certificates, with versions. It stands on each: pages are compared with the same only."""

from importlib import metadata
from typing import Final

# Numbers and bytes depend on these; the rest only carries them.
_PARTS: Final = ("kleinmaelzung", "numpy", "fpdf2")


def name() -> str:
    """`kleinmaelzung 0.1.0, numpy 2.4.0, fpdf2 2.8.9`"""
    return ", ".join(f"{part} {metadata.version(part)}" for part in _PARTS)
