"""Hatchling's hook: a wheel or a source archive contains the page, built. Who installs one needs no Node.

Where it is built from the sources as they are, as in a source archive, nothing is done. An editable install builds
nothing: there scripts/setup does. HATCH_BUILD_NO_HOOKS=true leaves the page out, for a machine that only runs an agent.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page where it is not. Ends the build, with a sentence said before, where it cannot."""
        if version != "editable" and subprocess.run([sys.executable, Path(self.root, "scripts", "page")]).returncode:
            sys.exit("the page is not built, so neither is this")
