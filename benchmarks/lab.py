"""A real Mosquitto and a gateway as its own process, and the processes that put load on them."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kleinmaelzung_local import ports
from tests import brokers

START_TIMEOUT_S = 15.0
RUN_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """Where gateway and broker are; `given()` is what a load generator must know."""

    port: int
    mqtt: int
    gateway: int  # its process

    def given(self, **more: Any) -> dict[str, Any]:
        accounts = {"secret": brokers.AGENT_SECRET, "password": brokers.PASSWORD}
        return {"port": self.port, "mqtt": self.mqtt, "process": self.gateway, **accounts, **more}


async def run(module: str, *arguments: str) -> dict[str, Any]:
    """Run one of our modules as a process; the JSON it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"benchmarks.{module}", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(RUN_TIMEOUT_S):
            printed, _ = await process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    if process.returncode:
        raise RuntimeError(f"benchmarks.{module} {arguments[:1]} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(printed)
    return found


async def load(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Run the load generator. Raises RuntimeError when something was lost: then the figure is none."""
    found = await run("load", kind, json.dumps(given))
    if found.get("lost"):
        raise RuntimeError(f"{kind}: {found['lost']} packets did not arrive")
    return found


@contextlib.asynccontextmanager
async def running_lab() -> AsyncIterator[Lab]:
    """Broker and gateway, as long as the context lasts."""
    with tempfile.TemporaryDirectory(prefix="kleinmaelzung-bench-") as directory:
        async with brokers.running_broker(Path(directory)) as broker:
            mosquitto = broker.mosquitto
            secret = Path(directory) / "gateway.password"
            secret.touch(mode=0o600)
            secret.write_text(mosquitto.passwords["gateway"])
            port = ports.find_free()
            environment = {
                "KLEINMAELZUNG_LISTEN": f"127.0.0.1:{port}",
                "KLEINMAELZUNG_MQTT": f"mqtt://127.0.0.1:{mosquitto.internal_port}",
                "KLEINMAELZUNG_MQTT_PASSWORD_FILE": str(secret),
                "KLEINMAELZUNG_LOG": "WARNING",
            }
            async with _gateway(port, environment) as process:
                yield Lab(port=port, mqtt=mosquitto.internal_port, gateway=process.pid)


@contextlib.asynccontextmanager
async def _gateway(port: int, environment: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kleinmaelzung_gateway", env={**os.environ, **environment}
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await asyncio.to_thread(_is_ready, port):
                await asyncio.sleep(0.1)
        yield process
    finally:
        process.terminate()
        await process.wait()


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(json.load(answer)["ok"])
    except OSError:
        return False
