"""The country of a laboratory or customer in a record: a code of ISO 3166-1, or none."""

import pytest

from kleinmaelzung_services.calibration.records import record_json
from kleinmaelzung_services.calibration.records.record_json import RecordError
from tests.unit.services.calibration_records import examples


@pytest.mark.parametrize("code", ["DE", "CH", "GB", ""])
def test_a_country_is_kept(code: str) -> None:
    found = examples.record("balance", (("laboratory", "country"), code))
    assert found.laboratory.country == code
    assert record_json.decode(record_json.encode(found)) == found


def test_a_country_that_nobody_named_is_empty() -> None:
    assert examples.record("balance").customer.country == ""


@pytest.mark.parametrize("code", ["UK", "de", "DEU", "Germany", "ZZ", "49"])
def test_what_is_no_country_is_refused(code: str) -> None:
    with pytest.raises(RecordError) as caught:
        examples.record("balance", (("customer", "country"), code))
    (mistake,) = caught.value.mistakes
    assert (mistake.path, mistake.remedy) == ("customer.country", "write it like DE, CH or GB")
    assert code in mistake.found
