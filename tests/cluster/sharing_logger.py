"""The logger as it would be with a shared subscription, to compare: each message goes to one of the loggers."""

import runpy

from kleinmaelzung_services.logger import service

_every = service.filters


def filters() -> list[str]:
    return [f"$share/loggers/{topic_filter}" for topic_filter in _every()]


if __name__ == "__main__":
    service.filters = filters
    runpy.run_module("kleinmaelzung_services.logger", run_name="__main__")
