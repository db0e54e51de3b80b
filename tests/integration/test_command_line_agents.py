"""`kleinmaelzung agent config | configure | reload | update | key`, at a gateway that speaks the contract."""

import asyncio
import json
import os
import pty
import stat
from pathlib import Path

import pytest

import kleinmaelzung
import kleinmaelzung.sync
from kleinmaelzung import server_key
from kleinmaelzung.server_key import ServerKey
from kleinmaelzung_wire import orders
from tests import fakes_ordered_agent
from tests.fakes_client_gateway import FakeGateway
from tests.fakes_ordered_agent import OrderedAgent
from tests.terminals import Terminal
from tests.waiting import until

KILN = '\n[instruments.kiln]\nport = "/dev/ttyUSB0"  # by the window\n'
BALANCE = '\n[instruments.balance]\nport = "/dev/ttyUSB1"\n'
PROGRAM = bytes(range(256)) * 900  # four pieces


@pytest.fixture
def key(tmp_path: Path, terminal: Terminal) -> ServerKey:
    """The one of the installation: beside the admin's password."""
    return server_key.make(tmp_path / "server-key")


@pytest.fixture
async def agent(fake_gateway: FakeGateway, key: ServerKey) -> OrderedAgent:
    made = OrderedAgent(fake_gateway, "pi-2", key.public, text="# mine: Mälzerei\n" + KILN)
    await fakes_ordered_agent.add(fake_gateway, made)
    return made


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "agent-program.tar.xz"
    path.write_bytes(PROGRAM)
    return path


# --- a configuration --------------------------------------------------------------------------------------------------


async def test_a_configuration_is_read_changed_and_applied(
    agent: OrderedAgent, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "pi-2.toml"
    code, out, err = await terminal.run("agent", "config", "pi-2", "-o", str(file))
    assert (code, err, file.read_text()) == (0, "", agent.text)
    assert f"after a change: kleinmaelzung agent configure pi-2 {file}" in out
    file.write_text(agent.text + BALANCE)
    code, out, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
    assert (code, out, err) == (0, "pi-2 is configured: added balance; 1 as before\n", "")
    assert agent.text == file.read_text()


async def test_without_a_file_it_is_printed_byte_for_byte(agent: OrderedAgent, terminal: Terminal) -> None:
    agent.text = "# no line's end\t\x1b[2J" + "x" * 300
    assert (await terminal.run("agent", "config", "pi-2"))[:2] == (0, agent.text)
    told = await terminal.json("agent", "config", "pi-2")
    assert (told["agent"], told["text"], told["key"]) == ("pi-2", agent.text, orders.fingerprint(agent.key))


async def test_a_file_that_is_there_stays(agent: OrderedAgent, terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pi-2.toml"
    file.write_text("mine")
    code, _, err = await terminal.run("agent", "config", "pi-2", "-o", str(file))
    assert (code, "exists already" in err, file.read_text()) == (1, True, "mine")
    assert (await terminal.run("agent", "config", "pi-2", "-o", str(file), "--force"))[0] == 0
    assert file.read_text() == agent.text


async def test_a_dry_run_shows_what_would_be_changed_and_needs_no_key(
    agent: OrderedAgent, terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "server-key").unlink()
    before = agent.text
    file = tmp_path / "pi-2.toml"
    file.write_text(before.replace("ttyUSB0", "ttyUSB7"))
    code, out, _ = await terminal.run("agent", "configure", "pi-2", str(file), "--dry-run")
    assert code == 0
    assert out.splitlines()[:2] == ["--- pi-2 now", f"+++ {file}"]
    assert '-port = "/dev/ttyUSB0"  # by the window\n+port = "/dev/ttyUSB7"  # by the window\n' in out
    file.write_text(before)
    code, out, _ = await terminal.run("agent", "configure", "pi-2", str(file), "--dry-run")
    assert (code, out) == (0, "pi-2 has this configuration already: nothing is to be changed\n")
    assert (agent.text, agent.pieces) == (before, [])


@pytest.mark.parametrize(("typed", "is_changed"), [("y", True), ("n", False), ("", False), ("\x03", False)])
async def test_on_a_terminal_it_shows_the_difference_and_asks(
    agent: OrderedAgent, terminal: Terminal, tmp_path: Path, typed: str, is_changed: bool
) -> None:
    file = tmp_path / "pi-2.toml"
    file.write_text(agent.text + BALANCE)
    ours, theirs = pty.openpty()
    shown = bytearray()
    try:
        process = await terminal.start_on(theirs, "agent", "configure", "pi-2", str(file))
        await read_until(ours, shown, b"Change pi-2 so? [y/N] ")
        assert b'+port = "/dev/ttyUSB1"' in shown
        os.write(ours, typed.encode() if typed == "\x03" else f"{typed}\n".encode())
        async with asyncio.timeout(20):
            code = await process.wait()
    finally:
        os.close(ours)
        os.close(theirs)
    assert (code, "balance" in agent.text) == (0 if is_changed else 1, is_changed)


async def read_until(terminal: int, shown: bytearray, wanted: bytes) -> None:
    async with asyncio.timeout(20):
        while wanted not in shown:
            shown += await asyncio.to_thread(os.read, terminal, 4096)


async def test_nobody_is_asked_without_a_terminal(agent: OrderedAgent, terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "pi-2.toml"
    file.write_text(agent.text + BALANCE)
    for more, sentence in (((), "no terminal to ask: give --yes"), (("--json",), "--json does not ask: give --yes")):
        code, _, err = await terminal.run("agent", "configure", "pi-2", str(file), *more)
        assert (code, sentence in err) == (2, True)
    assert "balance" not in agent.text
    told = await terminal.json("agent", "configure", "pi-2", str(file), "--yes")
    assert (told["changed"], told["added"], told["unchanged"]) == (True, ["balance"], ["kiln"])
    assert '+port = "/dev/ttyUSB1"' in told["diff"]


async def test_a_configuration_comes_in_by_the_way_of_a_pipe(agent: OrderedAgent, terminal: Terminal) -> None:
    process = await terminal.start("agent", "configure", "pi-2", "-", "--yes", stdin=asyncio.subprocess.PIPE)
    async with asyncio.timeout(20):
        out, err = await process.communicate((agent.text + BALANCE).encode())
    assert (process.returncode, out.decode(), err) == (0, "pi-2 is configured: added balance; 1 as before\n", b"")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[instruments.kiln\n", "is no TOML: "),
        (b'[agent]\nname = "pi-3"\n', "has a table [agent], which is not changed from afar: take it out"),
        (b"# M\xe4lzerei\n", "is no text in UTF-8"),
        (b" \n", "is empty"),
        (b"#" * (1024 * 1024 + 1), "has more than 1024 KiB"),
    ],
)
async def test_what_is_wrong_with_a_file_is_said_before_anything_is_sent(
    fake_gateway: FakeGateway, terminal: Terminal, key: ServerKey, tmp_path: Path, content: bytes, sentence: str
) -> None:
    file = tmp_path / "pi-2.toml"
    file.write_bytes(content)
    code, _, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
    assert (code, f"kleinmaelzung: {file} {sentence}" in err, fake_gateway.questions) == (2, True, [])


async def test_all_mistakes_that_the_agent_found_are_told(
    agent: OrderedAgent, terminal: Terminal, tmp_path: Path
) -> None:
    before = agent.text
    file = tmp_path / "pi-2.toml"
    file.write_text(before + "\n[instruments.one]\n[instruments.two]\n")
    code, out, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
    assert (code, out, agent.text) == (1, "", before)
    assert "agent pi-2 says: mistakes, so nothing was changed\n" in err
    assert "instruments.one.port: missing\ninstruments.two.port: missing\n" in err
    file.write_text('[instruments."one\\u001b[2J"]\n')
    code, _, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
    assert (code, "instruments.one\N{REPLACEMENT CHARACTER}[2J.port: missing\n" in err) == (1, True)


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    agent: OrderedAgent, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "pi-2.toml"
    file.write_text(agent.text + BALANCE)
    theirs = agent.text + "# somebody else's\n"

    async def change_before_the_order(agent: OrderedAgent) -> None:
        if agent.gateway.questions[-1][3] == "order":
            agent.text = theirs

    agent.before = change_before_the_order
    code, _, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
    assert (code, agent.text) == (1, theirs)
    assert "the configuration of agent pi-2 was changed meanwhile: read it again, and change that" in err


async def test_an_agent_reads_its_file_again(agent: OrderedAgent, terminal: Terminal) -> None:
    assert await terminal.run("agent", "reload", "pi-2") == (0, "pi-2 is configured: changed kiln; 1 as before\n", "")


async def test_a_notebook_does_the_same(agent: OrderedAgent, terminal: Terminal, program: Path, tmp_path: Path) -> None:
    key, sent = tmp_path / "server-key", list[tuple[int, int]]()

    def work() -> None:
        with kleinmaelzung.sync.connect(agent.gateway.url, user="admin", password="malt") as lab:
            before = lab.agents.configuration("pi-2")
            done = lab.agents.configure("pi-2", before.text + BALANCE, key=key, replaces=before.sha256)
            assert (done.added, done.unchanged) == (("balance",), ("kiln",))
            with pytest.raises(kleinmaelzung.Refused, match="was changed meanwhile") as refused:
                lab.agents.configure("pi-2", "# mine\n", key=key, replaces=before.sha256)
            assert refused.value.code == "conflict"
            assert lab.agents.reload("pi-2").changed == ("kiln",)
            outcome = lab.agents.update("pi-2", program, key=key, progress=lambda *at: sent.append(at))
            assert (outcome.result, outcome.version) == ("done", lab.agents.status("pi-2").version)

    await asyncio.to_thread(work)
    assert [at for at, _ in sent] == [*range(0, len(PROGRAM), orders.PIECE), len(PROGRAM)]


# --- what stands in the way -------------------------------------------------------------------------------------------


async def test_an_agent_that_is_away_too_old_or_not_known_gets_a_sentence(
    agent: OrderedAgent, terminal: Terminal, program: Path
) -> None:
    update = ("agent", "update", "pi-2", "--program", str(program))
    await agent.tell(online=False)
    code, _, err = await terminal.run("agent", "config", "pi-2")
    assert (code, "agent pi-2 is not connected (offline): nothing was sent" in err) == (1, True)
    code, out, _ = await terminal.run(*update)
    assert (code, "pi-2  not reached  agent pi-2 is not connected" in out, "goes on there" in out) == (1, True, True)
    code, _, err = await terminal.run("agent", "config", "pi-9")
    assert (code, "agent pi-9 has never connected" in err) == (1, True)
    # The balance's agent of the fake gateway says nothing of orders.
    code, _, err = await terminal.run("agent", "config", "pi-1")
    assert (code, "agent pi-1 has version 0.1.0, which takes no orders" in err) == (1, True)
    assert agent.pieces == []


async def test_an_agent_that_trusts_another_key_is_told_from_one_that_trusts_none(
    agent: OrderedAgent, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "pi-2.toml"
    file.write_text(agent.text + BALANCE)
    other = server_key.make(tmp_path / "other")
    code, _, err = await terminal.run(
        "agent", "configure", "pi-2", str(file), "--yes", "--key", str(tmp_path / "other")
    )
    assert code == 1
    assert f"agent pi-2 trusts another server key ({orders.fingerprint(agent.key)}), not this one" in err
    assert (other.fingerprint in err, "kleinmaelzung agent enrol pi-2 --replace" in err) == (True, True)
    agent.key = b""
    await agent.tell()
    code, _, err = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
    assert (code, "agent pi-2 trusts no server key" in err) == (1, True)


async def test_the_key_is_named_by_option_by_environment_or_lies_beside_the_password(
    agent: OrderedAgent, terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "pi-2.toml"
    file.write_text(agent.text + BALANCE)
    configure = ("agent", "configure", "pi-2", str(file), "--yes")
    (tmp_path / "server-key").rename(tmp_path / "elsewhere")
    code, _, err = await terminal.run(*configure)
    assert (code, "which server key signs this? Give --key FILE or set KLEINMAELZUNG_SERVER_KEY" in err) == (2, True)
    terminal.environment["KLEINMAELZUNG_SERVER_KEY"] = str(tmp_path / "nowhere")
    code, _, err = await terminal.run(*configure)
    assert (code, f"the server key {tmp_path / 'nowhere'} cannot be read" in err) == (2, True)
    assert (await terminal.run(*configure, "--key", str(tmp_path / "elsewhere")))[0] == 0
    assert agent.text == file.read_text()


async def test_a_key_is_made_once(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "lab key"
    told = await terminal.json("agent", "key", str(file))
    key = server_key.open_key(file)
    assert told == {"file": str(file), "public": f"{file}.pub", "fingerprint": key.fingerprint}
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    code, out, err = await terminal.run("agent", "key", str(file))
    assert (code, out, "a key is never overwritten" in err) == (1, "", True)
    assert server_key.open_key(file).public == key.public
    code, out, _ = await terminal.run("agent", "key", str(tmp_path / "another"))
    assert (code, "keep it safe" in out, "fingerprint " in out) == (0, True, True)


# --- a program --------------------------------------------------------------------------------------------------------


async def test_a_program_goes_in_pieces_to_one_agent_after_the_other(
    agent: OrderedAgent, fake_gateway: FakeGateway, key: ServerKey, terminal: Terminal, program: Path
) -> None:
    worse = OrderedAgent(fake_gateway, "pi-3", key.public, ending=("rolled back", "it did not come up", ""))
    away = OrderedAgent(fake_gateway, "pi-4", key.public)
    await fakes_ordered_agent.add(fake_gateway, agent, worse, away)
    await away.tell(online=False)
    terminal.environment["KLEINMAELZUNG_AGENT_PROGRAM"] = str(program)
    code, out, err = await terminal.run("agent", "update", "--all")
    assert (code, err) == (1, "")
    assert out.splitlines() == [
        "pi-2  done         0.2.0",
        "pi-3  rolled back  it did not come up",
        "pi-4  not reached  agent pi-4 is not connected (offline): nothing was sent",
        "rolled back: it runs the version before; on its machine: journalctl -u kleinmaelzung-agent-update",
        "not reached: once it is back, the same command goes on there",
    ]
    assert (agent.programs, worse.programs, away.programs) == ([PROGRAM], [PROGRAM], [])
    assert agent.pieces == [number * orders.PIECE for number in range(4)]
    told = json.loads((await terminal.run("agent", "update", "pi-2", "pi-2", "--json"))[1])
    assert [(one["agent"], one["result"], one["version"]) for one in told] == [("pi-2", "done", "0.2.0")]


async def test_a_program_goes_on_where_it_was_when_the_connection_comes_back(
    agent: OrderedAgent, fake_gateway: FakeGateway, terminal: Terminal, program: Path
) -> None:
    async def drop_once(agent: OrderedAgent) -> None:
        if len(agent.pieces) == 2:
            agent.before = fakes_ordered_agent.nothing
            agent.lost = 1
            await fake_gateway.drop()

    agent.before = drop_once
    code, out, _ = await terminal.run("agent", "update", "pi-2", "--program", str(program))
    assert (code, out) == (0, "pi-2  done  0.2.0\n")
    assert fake_gateway.logins == 2
    assert (agent.programs, agent.pieces) == ([PROGRAM], [number * orders.PIECE for number in range(4)])


async def test_a_program_goes_on_when_the_agent_was_away(
    agent: OrderedAgent, terminal: Terminal, program: Path
) -> None:
    back: list[asyncio.Task[None]] = []

    async def leave_once(agent: OrderedAgent) -> None:
        if len(agent.pieces) == 2:
            agent.before = fakes_ordered_agent.nothing
            agent.lost = 1
            await agent.tell(online=False)
            back.append(asyncio.create_task(come_back(agent)))

    async def come_back(agent: OrderedAgent) -> None:
        asked = len(agent.gateway.questions)
        await until(lambda: len(agent.gateway.questions) > asked, "it is looked for")
        await agent.tell()

    agent.before = leave_once
    code, out, _ = await terminal.run("agent", "update", "pi-2", "--program", str(program))
    assert (code, out, agent.programs) == (0, "pi-2  done  0.2.0\n", [PROGRAM])
    assert agent.pieces == [number * orders.PIECE for number in range(4)]
    await back[0]


async def test_where_the_last_answer_is_lost_the_status_tells_what_became_of_it(
    agent: OrderedAgent, terminal: Terminal, program: Path, tmp_path: Path
) -> None:
    async def lose_the_last(agent: OrderedAgent) -> None:
        agent.lost = int(agent.order is not None and len(agent.content) + orders.PIECE >= agent.order.size)

    agent.before = lose_the_last
    code, out, _ = await terminal.run("agent", "update", "pi-2", "--program", str(program))
    assert (code, out, agent.programs) == (0, "pi-2  done  0.2.0\n", [PROGRAM])
    file = tmp_path / "pi-2.toml"
    file.write_text(agent.text + BALANCE)
    code, out, _ = await terminal.run("agent", "configure", "pi-2", str(file), "--yes")
    assert (code, agent.text) == (0, file.read_text())


async def test_an_order_that_comes_again_after_it_was_carried_out_is_no_refusal(
    agent: OrderedAgent, terminal: Terminal, program: Path
) -> None:
    """The last answer is lost, and the status comes later than the same order once more."""
    agent.is_quiet = True

    async def lose_the_last(agent: OrderedAgent) -> None:
        agent.lost = int(agent.order is not None and len(agent.content) + orders.PIECE >= agent.order.size)
        if agent.programs:
            await agent.tell()

    agent.before = lose_the_last
    code, out, _ = await terminal.run("agent", "update", "pi-2", "--program", str(program))
    assert (code, out, agent.programs) == (0, "pi-2  done  0.2.0\n", [PROGRAM])


async def test_what_is_not_heard_of_in_time_is_under_way(
    agent: OrderedAgent, terminal: Terminal, program: Path
) -> None:
    """Whatever became of the order before it."""
    agent.last = {"kind": "program", "issued": 1, "sha256": "", "result": "done", "reason": "", "time": 1}
    await agent.tell()
    agent.is_quiet = True
    code, out, _ = await terminal.run("agent", "update", "pi-2", "--program", str(program), "--timeout", "1")
    assert code == 1
    assert "pi-2  under way  nothing was heard of it within 1 s\nunder way: look with `kleinmaelzung agent list`" in out


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ((), "which agents? Name them, or give --all"),
        (("pi-2", "--all"), "which agents? Name them, or give --all"),
        (("Pi 2",), "'Pi 2' is not a name"),
        (("pi-2",), "which version? Give --program FILE, made by deploy/agent-program"),
        (("pi-2", "--program", "/nowhere"), "there is no file /nowhere: deploy/agent-program makes one"),
        (("pi-2", "--timeout", "soon"), "is no number of seconds"),
    ],
)
async def test_what_is_typed_wrongly_is_said(
    agent: OrderedAgent, terminal: Terminal, typed: tuple[str, ...], sentence: str
) -> None:
    code, _, err = await terminal.run("agent", "update", *typed)
    assert (code, sentence in err) == (2, True), err


async def test_the_list_has_versions_and_what_went_wrong(
    agent: OrderedAgent, terminal: Terminal, program: Path
) -> None:
    agent.ending = ("rolled back", "it did not connect\x1b[2J again", "")
    await terminal.run("agent", "update", "pi-2", "--program", str(program))
    code, out, _ = await terminal.run("agent", "list")
    assert code == 0
    assert out.startswith("pi-2  online  0.1.0  program rolled back 2026-09-")
    assert out.endswith(": it did not connect\N{REPLACEMENT CHARACTER}[2J again\n")
    [told] = await terminal.json("agent", "list")
    assert (told["version"], told["last_order"]["result"]) == ("0.1.0", "rolled back")
