"""What is sent: a frame of 142 bytes, as design §9 compares others with, and one of ten samples of two channels."""

from kleinmaelzung_wire import frames

SIZE = 142


def _make() -> bytes:
    frame = frames.Frame(
        epoch=2**52 + 1,
        number=70_000,
        times=(1_764_000_000_000_000,),
        channels={"mass": [12.3456], "temperature": [21.5], "note": [""]},
        units={"mass": "g", "temperature": "degC"},
        clock=frames.Clock(synchronised=True, error_us=900),
    )
    frame.channels["note"] = ["x" * (SIZE - len(frames.encode(frame)) - 1)]  # a longer text has a longer header
    return frames.encode(frame)


PAYLOAD = _make()


def _make_ten() -> bytes:
    first_us, step_us = 1_764_000_000_000_000, 100
    frame = frames.Frame(
        epoch=2**52 + 1,
        number=70_000,
        times=tuple(first_us + index * step_us for index in range(10)),
        channels={
            "mass": [12.3456 + index for index in range(10)],
            "temperature": [21.5 + index for index in range(10)],
        },
        units={"mass": "g", "temperature": "degC"},
        clock=frames.Clock(synchronised=True, error_us=900),
    )
    return frames.encode(frame)


TEN_SAMPLES = _make_ten()
