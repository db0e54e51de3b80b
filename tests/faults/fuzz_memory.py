"""How much memory the processes of a fuzzed system take, step by step, and whether it goes on growing.

What a process keeps of each input shows as growth that goes on as long as inputs come. What it keeps up to a bound
(remembered ids, names that it has met, the allocator's arenas) comes to rest. So only the second half is judged, and
against the number of its inputs: the more of them, the less of a leak stays hidden in the allowance.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

STEPS: Final = 10  # measured after each, of the same number of inputs
FEWEST: Final = 50_000  # inputs; with fewer nothing has come to rest by half of the way
# The smallest thing that is kept by mistake, an entry of a dict with its key, takes some 150 bytes. Of 100 inputs 22
# come by the agent's socket and 24 by the clients': kept for one of eight of all inputs, it takes 19 for each.
BYTES_AN_INPUT: Final = 20.0
# An arena of Python's allocator is 1 MiB, and one small object keeps it: between two looks at a process that keeps
# nothing there were up to 2.7 of them.
ALLOWANCE_KB: Final = 4096


def resident_kb(pid: int) -> int:
    """What a process has in memory; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def growth_kb(measured: Sequence[int]) -> int:
    """How much more there is at the end than after half of the steps."""
    return measured[-1] - measured[len(measured) // 2 - 1]


def bytes_an_input(measured: Sequence[int], inputs: int) -> float:
    """The growth of the second half for each of its inputs; `inputs` is the number of all."""
    return growth_kb(measured) * 1024 / (inputs / 2)


def leaking(measured: Mapping[str, Sequence[int]], inputs: int) -> list[str]:
    """The processes whose memory grew by more than the limit in the second half; none in a short run."""
    limit_kb = ALLOWANCE_KB + BYTES_AN_INPUT * inputs / 2 / 1024
    return [name for name, seen in measured.items() if inputs >= FEWEST and growth_kb(seen) > limit_kb]
