"""What the other tests of this folder run on."""

import pytest

from tests.deploy import images

pytestmark = images.needed()


def test_the_images_are_those_that_compose_names() -> None:
    found = images.variables()
    if why := images.why_standins():
        assert images.STANDIN_IMAGES.items() <= found.items()
        pytest.skip(why)
    assert not images.STANDIN_IMAGES.keys() & found.keys()
