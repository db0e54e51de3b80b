"""What of one instrument a watch has given, by number, and what lacks. Pure."""

from dataclasses import dataclass, field

from kleinmaelzung.readings import Frame
from kleinmaelzung_wire.numbers import Epochs


@dataclass(slots=True)
class Past:
    """What of one instrument was given."""

    since: int
    given: Epochs = field(default_factory=Epochs)
    newest: int = 0  # time of a frame given, before which the log was read
    lowest: dict[int, int] = field(default_factory=dict)  # of an epoch whose beginning is not known: its first time

    def is_new(self, frame: Frame) -> bool:
        """Whether to give a frame; then it is given. One from before `since` only says that nothing lacks there."""
        numbers = self.given.of(frame.epoch)
        first = numbers.first
        if not self.given.add(frame.epoch, frame.number):
            return False
        is_wanted = max(frame.times) >= self.since
        if not is_wanted or frame.number == 1:
            self.lowest.pop(frame.epoch, None)
        elif first == 0 or (frame.number < first and frame.epoch in self.lowest):
            self.lowest[frame.epoch] = frame.times[0]
        return is_wanted

    def lacks_before(self, frame: Frame) -> bool:
        """Whether numbers lack before a live frame that nobody has asked for yet."""
        return frame.number > self.given.of(frame.epoch).last + 1

    def holes(self) -> list[tuple[int, int, int]]:
        """What lacks, as (epoch, first, last); of an epoch whose beginning is not known the number before it."""
        before = [(epoch, self.given.of(epoch).first - 1) for epoch in self.lowest]
        return [*self.given.holes(), *((epoch, number, number) for epoch, number in before)]
