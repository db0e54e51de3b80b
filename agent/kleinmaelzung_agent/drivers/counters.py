"""What one instrument's port has seen since the agent started. Only ever counts up."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """`lines` are whole decoded lines; every one of them is a value, an answer, late, or rejected."""

    lines: int = 0
    values: int = 0
    rejected_lines: int = 0  # whole lines that no pattern expected just then
    late: int = 0  # answers that came after their query had timed out
    half_lines: int = 0  # discarded, because their beginning may be missing
    too_long: int = 0  # lines beyond max_line, discarded up to the next terminator
    undecodable: int = 0  # lines with NUL bytes or outside the encoding
    wrong_checksums: int = 0
    unidentified: int = 0  # readings of an instrument that has not said yet that it is the right one
    timeouts: int = 0
    reconnects: int = 0
    commands: int = 0

    def bad(self) -> int:
        """What came and was not valid."""
        return self.rejected_lines + self.too_long + self.undecodable + self.wrong_checksums + self.late
