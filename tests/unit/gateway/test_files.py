"""Which paths are of files that a service answers."""

from kleinmaelzung_gateway import calibration_file, history, history_query
from kleinmaelzung_gateway.files import Files, Parse
from kleinmaelzung_gateway.login import Broker
from kleinmaelzung_gateway.metrics import Metrics


def test_only_paths_below_their_roots_are_meant() -> None:
    parsers: dict[str, Parse] = {history_query.ROOT: history.wanted, calibration_file.ROOT: calibration_file.wanted}
    files = Files(Broker(host="lab", port=1883), Metrics(), parsers)
    assert all(map(files.is_meant, ("/history/x", "/calibrations/x")))
    assert not any(map(files.is_meant, ("/history", "/calibrations", "/", "/healthz?/history/x", "history/x")))
