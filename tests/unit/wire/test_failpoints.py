"""A process that dies at a named place."""

import os
import signal
import subprocess
import sys

import pytest

REACH = "from kleinmaelzung_wire import failpoints; failpoints.reach('a.b'); print('one'); failpoints.reach('a.b')"


@pytest.mark.parametrize(
    ("named", "code", "printed"),
    [
        ("", 0, "one"),
        ("a.c", 0, "one"),
        ("a.b", -signal.SIGKILL, ""),
        ("a.b:2", -signal.SIGKILL, "one"),
        ("a.b:3", 0, "one"),
    ],
)
def test_it_dies_where_the_environment_says_and_nowhere_else(named: str, code: int, printed: str) -> None:
    done = subprocess.run(
        [sys.executable, "-u", "-c", REACH],
        env=os.environ | {"KLEINMAELZUNG_FAILPOINT": named},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (code, printed)
