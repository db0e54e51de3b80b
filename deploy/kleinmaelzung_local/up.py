"""`kleinmaelzung up`: everything on one machine, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

from kleinmaelzung import Error
from kleinmaelzung_gateway.certificate import CertificateError
from kleinmaelzung_local import system
from kleinmaelzung_local.children import ChildFailed
from kleinmaelzung_local.mosquitto import MosquittoMissing
from kleinmaelzung_local.ports import PortTaken
from kleinmaelzung_local.postgres import PostgresMissing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where everything is kept")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets agents and people on other machines in")
    parser.add_argument("--port", type=int, default=8080, metavar="N", help="for page and agents (8080; 0: free)")
    parser.add_argument("--mqtt-port", type=int, default=None, metavar="N", help="for MQTT tools (free, then kept)")
    parser.add_argument("--dsn", default=None, help="a PostgreSQL or TimescaleDB to use instead of the embedded one")
    parser.add_argument("--name", default=None, help="what others call this machine, such as lab.example.org")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="certificate (PEM): https, wss and mqtts instead")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key")
    parser.add_argument(
        "--public-view", action="store_true", help="whoever can open the page may watch without signing in"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run until stopped. Returns the exit code; mistakes are one sentence on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s: %(message)s")
    choices = system.Choices(
        data=arguments.data,
        host=arguments.host,
        port=arguments.port,
        mqtt_port=arguments.mqtt_port,
        dsn=arguments.dsn,
        name=arguments.name,
        tls_cert=arguments.tls_cert,
        tls_key=arguments.tls_key,
        public_view=arguments.public_view,
    )
    try:
        return asyncio.run(_run(choices, as_json=arguments.json))
    except (
        system.DataDirectoryInUse,
        system.DatabaseUnreachable,
        CertificateError,
        ChildFailed,
        Error,
        MosquittoMissing,
        PostgresMissing,
        PortTaken,
        OSError,
    ) as error:
        print(f"kleinmaelzung up: {error}", file=sys.stderr)
        return 1


async def _run(choices: system.Choices, *, as_json: bool) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    starting = asyncio.current_task()
    assert starting is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, starting.cancel)
    try:
        async with system.run(choices) as running:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop.set)
            print(ready_line(running) if as_json else ready_text(running), flush=True)
            await stop.wait()
    except asyncio.CancelledError:
        pass  # stopped while starting: the children have been stopped on the way out
    return 0


def ready_line(running: system.System) -> str:
    return json.dumps(
        {
            "ready": True,
            "url": running.url,
            "mqtt": running.mqtt,
            "dsn": running.dsn,
            "user": "admin",
            "password_file": str(running.password_file),
            "login_link": running.login_link,
            "server_key": str(running.server_key) if running.server_key else None,
        }
    )


def ready_text(running: system.System) -> str:
    return "\n".join(
        [
            f"Kleinmaelzung is ready at {running.url}",
            *([f"  sign in by {running.login_link}   (once, within an hour)"] if running.login_link else []),
            f"  user admin, password in {running.password_file}",
            f"  MQTT tools: {running.mqtt}   SQL: the address is in {running.password_file.with_name('dsn')}",
            "  Ctrl-C stops everything; the same command continues.",
        ]
    )
