"""The file by which whoever supervises a service sees that it is well."""

import os
from pathlib import Path

from kleinmaelzung_services import presence
from kleinmaelzung_services.presence import Health


def test_the_file_is_there_and_young_while_the_service_is_well(tmp_path: Path) -> None:
    file = tmp_path / "healthy"
    health = Health()
    presence.show_health(file, health)
    assert not file.exists()
    health.set("")
    presence.show_health(file, health)
    os.utime(file, (0, 0))
    presence.show_health(file, health)
    assert file.stat().st_mtime > 0
    health.set("the database does not answer")
    presence.show_health(file, health)
    assert not file.exists()


def test_a_place_that_is_not_there_does_not_stop_the_service(tmp_path: Path) -> None:
    health = Health()
    health.set("")
    presence.show_health(tmp_path / "nowhere" / "healthy", health)
    presence.show_health(None, health)
    assert list(tmp_path.iterdir()) == []
