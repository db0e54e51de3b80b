"""`kleinmaelzung agent config | configure | reload`: an agent's configuration, read, replaced, read again by itself.

What is replaced is agent.toml but for its table [agent], which stays on the agent's machine. The agent looks at the
new one as a whole, and takes it or leaves everything as it is.
"""

import difflib
import signal
import sys
import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from kleinmaelzung import AgentConfiguration, Error, Lab, Reloaded, server_key
from kleinmaelzung.commands import agent_key, options, texts, whole_file
from kleinmaelzung.commands.typed import WrongUsage
from kleinmaelzung_wire import orders

STDIN: Final = Path("-")


def add_reading(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file to write, else it is printed")
    parser.add_argument("--force", action="store_true", help="replace the file")


def add_writing(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("file", type=Path, metavar="FILE", help="as `agent config` wrote it, changed; -: what comes in")
    agent_key.add_option(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be changed")


async def read(lab: Lab, arguments: Namespace) -> None:
    """To a file; to a terminal without what could move its cursor; else byte for byte."""
    output: Path | None = arguments.output
    if output is not None:
        whole_file.check(output, {}, force=arguments.force)
    found = await lab.agents.configuration(arguments.name)
    if output is not None:
        whole_file.write(output, found.text.encode(), force=arguments.force)
    document = {"agent": found.agent, "text": found.text, "sha256": found.sha256, "key": found.key}
    document |= {"file": str(output)} if output is not None else {}
    if output is None and not arguments.json and not sys.stdout.isatty():
        sys.stdout.write(found.text)
        return
    options.show(arguments, document, lambda: _read(found, output))


def _read(found: AgentConfiguration, output: Path | None) -> str:
    if output is None:
        return _printable(found.text).rstrip("\n")
    back = f"kleinmaelzung agent configure {found.agent} {output}"
    return f"{texts.plain(str(output))}: the configuration of {found.agent}; after a change: {texts.plain(back)}"


async def write(arguments: Namespace) -> int:
    """Show what would change, ask, and have it changed: by connections before and after, none waits for a person."""
    text = checked(arguments.file)
    if arguments.json and not (arguments.yes or arguments.dry_run):
        raise WrongUsage("--json does not ask: give --yes or --dry-run as well")
    key = None if arguments.dry_run else agent_key.find(arguments)
    if key is not None:
        server_key.open_key(key)  # whatever is wrong with it, before somebody looks at differences
    async with options.connected(arguments) as lab:
        before = await lab.agents.configuration(arguments.name)
    difference = diff(before, text, str(arguments.file))
    document: dict[str, Any] = {"agent": arguments.name, "diff": difference, "changed": False}
    if key is None or not difference:
        same = f"{arguments.name} has this configuration already: nothing is to be changed"
        options.show(arguments, document, lambda: _printable(difference).rstrip("\n") or same)
        return 0
    if not arguments.yes:
        print(_printable(difference))
        if not _is_wanted(arguments.name):
            raise Error("nothing was changed")
    async with options.connected(arguments) as lab:
        done = await lab.agents.configure(arguments.name, text, key=key, replaces=before.sha256)
    options.show(arguments, document | {"changed": True} | _document(done), lambda: _sentence(arguments.name, done))
    return 0


async def reload(lab: Lab, arguments: Namespace) -> None:
    done = await lab.agents.reload(arguments.name)
    options.show(arguments, {"agent": arguments.name} | _document(done), lambda: _sentence(arguments.name, done))


def checked(file: Path) -> str:
    """The file's text, which is TOML without a table [agent]; what else is wrong with it the agent says."""
    most = orders.MAX_CONTENT["configuration"]
    content = sys.stdin.buffer.read(most + 1) if file == STDIN else whole_file.read(file, most)
    if len(content) > most:
        raise WrongUsage(f"{file} has more than {most // 1024} KiB, which no configuration has")
    try:
        text = content.decode()
        tables = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise WrongUsage(f"{file} is no text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise WrongUsage(f"{file} is no TOML: {error}") from error
    if "agent" in tables:
        raise WrongUsage(f"{file} has a table [agent], which is not changed from afar: take it out")
    if not text.strip():
        raise WrongUsage(f"{file} is empty: an agent without instruments has at least a comment there")
    return text


def diff(before: AgentConfiguration, text: str, file: str) -> str:
    """What would be changed, as `diff -u` shows it; empty where nothing is."""
    lines = difflib.unified_diff(
        before.text.splitlines(keepends=True), text.splitlines(keepends=True), f"{before.agent} now", file
    )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no line's end here\n" for line in lines)


def _printable(text: str) -> str:
    return "\n".join(texts.plain(line.expandtabs()) for line in text.split("\n"))


def _is_wanted(name: str) -> bool:
    if not sys.stdin.isatty():
        raise WrongUsage("no terminal to ask: give --yes")
    with _interruptible():
        return input(f"Change {name} so? [y/N] ").strip().lower() in ("y", "yes")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends the question; the event loop would only note it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _document(done: Reloaded) -> dict[str, Any]:
    return {
        "added": list(done.added),
        "removed": list(done.removed),
        "changed_instruments": list(done.changed),
        "unchanged": list(done.unchanged),
        "restarted": done.is_restarted,
    }


def _sentence(name: str, done: Reloaded) -> str:
    kinds = (("added", done.added), ("removed", done.removed), ("changed", done.changed))
    told = [f"{what} {', '.join(names)}" for what, names in kinds if names]
    told += [f"{len(done.unchanged)} as before"] if done.unchanged else []
    told += ["it began anew"] if done.is_restarted else []
    return f"{name} is configured: {texts.plain('; '.join(told)) or 'no instrument was changed'}"
