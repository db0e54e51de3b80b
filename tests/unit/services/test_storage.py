import pytest

from kleinmaelzung_services.logger import storage
from kleinmaelzung_services.logger.storage import Table

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("share", "age_s", "per_day"),
    [
        (1.0, DAY_S, 700.0),  # all of it in a day
        (1.0, DAY_S / 2, 1400.0),
        (0.5, 14 * DAY_S, 50.0),  # half of it in the last week
        (0.0, 300 * DAY_S, 0.0),
        (None, DAY_S, 0.0),  # no rows
    ],
)
def test_growth_is_what_was_written_lately(share: float | None, age_s: float, per_day: float) -> None:
    assert storage.growth_per_day(700, share, age_s) == pytest.approx(per_day)


def test_for_how_many_days_the_disk_will_do() -> None:
    tables = [Table(name="frames", bytes=500, per_day=10.4), Table(name="samples", bytes=900, per_day=9.8)]
    answer = storage.told(2000, tables, 2020)
    assert (answer["per_day"], answer["days"], answer["tables"][1]["per_day"]) == (20, 100.0, 10)
    assert storage.told(2000, tables, None)["days"] is None
    assert storage.told(2000, [Table(name="frames", bytes=5, per_day=0.0)], 7)["days"] is None


@pytest.mark.parametrize(
    ("free", "days"),
    [
        (300.0, 10.0),  # both grow: 30 a day
        (599.0, pytest.approx(19.97, abs=0.01)),
        (700.0, 30.0),  # samples stop after 20 days, minutes go on
        (10_000.0, 960.0),
    ],
)
def test_what_is_removed_again_stops_growing(free: float, days: float) -> None:
    minutes = Table(name="rollups", bytes=5, per_day=10.0)
    samples = Table(name="samples", bytes=5, per_day=20.0, kept_days=30, grows_days=20.0)
    assert storage.lasts_days(free, [samples, minutes]) == days


def test_a_disk_that_will_do_for_ever() -> None:
    old = Table(name="samples", bytes=5, per_day=20.0, kept_days=30, grows_days=0.0)
    young = Table(name="rollups", bytes=5, per_day=10.0, kept_days=100, grows_days=70.0)
    assert storage.lasts_days(701.0, [old, young]) is None
    assert storage.lasts_days(699.0, [old, young]) == pytest.approx(69.9)
    assert storage.told(9, [old], 5)["tables"][0]["kept_days"] == 30


def test_a_database_of_a_few_minutes_says_nothing_of_its_growth() -> None:
    answer = storage.told(9, [Table(name="frames", bytes=5, per_day=None)], 7)
    assert (answer["per_day"], answer["days"]) == (None, None)
