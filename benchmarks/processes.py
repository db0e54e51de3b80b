"""What a process uses, as /proc tells it."""

from pathlib import Path

TICKS_A_SECOND = 100  # of /proc/PID/stat
PAGE_BYTES = 4096


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def resident_mib(pid: int | None) -> float:
    """What a process has in memory. Raises OSError when it has ended."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE_BYTES / 2**20
