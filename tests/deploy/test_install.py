"""deploy/install, upgrade and uninstall as people run them, with real containers."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from kleinmaelzung import Lab
from kleinmaelzung_containers import engine
from kleinmaelzung_wire import access, messages
from tests import sockets
from tests.deploy import images
from tests.deploy.installed import Installation, docker, installation
from tests.fakes_instruments import Pty, Thermometer
from tests.newcomers import Machine
from tests.waiting import until
from tests.whole import THERMOMETER, Whole, watching

pytestmark = images.needed()
PARTS = {"broker", "database", *access.SERVICES}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation that several tests look at; whatever they do to it, it goes on."""
    with installation(tmp_path_factory.mktemp("installed")) as made:
        made.install()
        yield made


def test_all_parts_run_and_are_healthy(installed: Installation) -> None:
    told = {name: part["State"] for name, part in installed.inspect().items()}
    assert {name: state["Running"] for name, state in told.items()} == dict.fromkeys(PARTS, True)
    assert not any(state["Health"]["FailingStreak"] for state in told.values())
    installed.do("kleinmaelzung", "doctor")
    with urllib.request.urlopen(f"{installed.told['url']}/healthz") as answer:
        assert json.load(answer)["ok"] is True


async def test_an_agent_is_watched_commanded_and_logged(installed: Installation, tmp_path: Path) -> None:
    with Pty(tmp_path / "thermometer") as pty:
        pty.plug()
        thermometer = Thermometer(pty).start()
        async with installed.client() as lab:
            whole = Whole(installed.as_system(), lab, tmp_path)
            try:
                await whole.start_agent(THERMOMETER.format(name="kiln", port=pty.port, every="50ms"))
                async with watching(lab, "pi-1/kiln") as seen:
                    await seen.until_more("pi-1/kiln")
                    reply = await lab.send("pi-1/kiln", "set", value=30.25)
                    thermometer.temperature = "+30.25"
                    await until(lambda: 30.25 in seen.values("pi-1/kiln"), "the new temperature")
                await until_logged(whole, 30.25)
                completeness = (await lab.completeness("pi-1/kiln"))[0]
            finally:
                await whole.kill_agent()
            hypertables = await whole.ask("SELECT count(*) FROM timescaledb_information.hypertables")
    assert (reply.result, reply.values) == ("done", {"set": 30.25})
    assert 23.45 in seen.values("pi-1/kiln")
    assert completeness.missing == 0
    assert hypertables >= 3


def test_installing_again_changes_nothing(installed: Installation) -> None:
    before = files(installed), running(installed)
    told = installed.install()
    assert (told["changed"], told["login_link"]) == ([], None)
    assert (files(installed), running(installed)) == before


def test_an_account_that_was_added_is_nothing_to_change(installed: Installation) -> None:
    installed.do("kleinmaelzung", "agent", "add", "pi-7")
    assert installed.install()["changed"] == []
    assert "pi-7" in installed.do("kleinmaelzung", "agent", "list")


async def test_the_link_signs_in_once(installed: Installation) -> None:
    code = installed.login_link.partition("#login=")[2]
    url = installed.told["url"].replace("http", "ws")
    async with sockets.socket(url, "/client", sockets.JSON) as one:
        await one.send("hello", {"code": code})
        _, welcome = await one.expect("welcome")
    assert (welcome["user"], welcome["password"]) == ("admin", installed.secret("admin"))
    assert list((installed.deploy / "secrets" / "login").iterdir()) == []


async def test_who_lost_admins_password_gets_another(installed: Installation) -> None:
    lost = json.loads(installed.do("kleinmaelzung", "user", "password", "admin", "--json"))["password"]
    assert installed.attempt("kleinmaelzung", "agent", "list").returncode != 0
    await asyncio.to_thread(installed.install, "--new-admin-password")
    installed.do("kleinmaelzung", "agent", "list")
    await test_the_link_signs_in_once(installed)
    assert lost != installed.secret("admin")


async def test_whoever_opens_the_page_may_watch_only_where_that_was_chosen(installed: Installation) -> None:
    assert await stranger(installed) == (4401, "sign in with name and password: there is no public view here")
    await asyncio.to_thread(installed.install, "--public-view")
    assert await stranger(installed) == "public"
    assert (await asyncio.to_thread(installed.install))["changed"] == []
    await asyncio.to_thread(installed.install, "--no-public-view")
    assert await stranger(installed) == (4401, "sign in with name and password: there is no public view here")


async def stranger(installed: Installation) -> object:
    """As whom somebody without a name is let in; or the code and the sentence by which they are not."""
    async with sockets.socket(installed.told["url"].replace("http", "ws"), "/client", sockets.JSON) as one:
        await one.send("hello", {})
        try:
            return (await one.expect("welcome"))[1]["user"]
        except ConnectionClosed:
            return one.connection.close_code, one.connection.close_reason


def test_every_process_is_nobody_and_may_nothing(installed: Installation) -> None:
    for name, part in installed.inspect().items():
        settings, status = part["HostConfig"], process_status(part["State"]["Pid"])
        user = int(status["Uid"].split()[0])
        assert user >= 70, f"{name} runs as user {user}"
        assert {status[kind] for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}, name
        assert status["NoNewPrivs"] == "1", name
        assert settings["CapDrop"] == ["ALL"], name
        assert not settings["CapAdd"], name
        assert not settings["Privileged"], name
        assert settings["Memory"] > 0, name
        assert settings["PidsLimit"] > 0, name


def test_every_root_is_read_only(installed: Installation) -> None:
    for name, part in installed.inspect().items():
        assert part["HostConfig"]["ReadonlyRootfs"], name
        for place in ("/", "/etc", "/usr/bin", "/opt"):
            tried = subprocess.run(
                ["docker", "exec", "--user", "0", part["Id"], "sh", "-c", f"echo x >{place}/planted"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert "Read-only file system" in tried.stderr, f"{name}: {place}"


def test_what_is_mounted_is_each_parts_own(installed: Installation) -> None:
    for name, part in installed.inspect().items():
        sources = {mount["Source"] for mount in part["Mounts"] if mount["Type"] == "bind"}
        assert all(source.startswith(str(installed.deploy)) for source in sources), name
        writable = {mount["Destination"] for mount in part["Mounts"] if mount["RW"]}
        assert writable == WRITABLE.get(name, set()), name


WRITABLE = {
    "gateway": {"/login"},
    "broker": {"/mosquitto/data"},
    "database": {"/var/lib/postgresql/data"},
}


def test_no_secret_is_told_by_the_engine(installed: Installation) -> None:
    image = installed.inspect()["gateway"]["Image"]
    told = [docker("image", "inspect", image), docker("history", "--no-trunc", image)]
    told += [json.dumps(list(installed.inspect().values()))]
    told += [Path(f"/proc/{part['State']['Pid']}/environ").read_text() for part in installed.inspect().values()]
    told += [docker("logs", part["Id"]) for part in installed.inspect().values()]
    secrets = {name: value for name, value in installed.secrets().items() if name != "link"}
    assert len(secrets) == len(access.SERVICES) + 6
    # Of a key in PEM the line that is secret.
    decisive = {name: max(value.splitlines(), key=len) for name, value in secrets.items()}
    assert [name for name, value in decisive.items() for text in told if value in text] == []


def test_the_servers_key_is_the_command_lines_alone(installed: Installation) -> None:
    told = engine.find(installed.deploy).run("--profile", "*", "config", "--format", "json")
    services = json.loads(told)["services"]
    having = [name for name, one in services.items() if "server-key" in json.dumps(one)]
    assert having == ["command"]
    sources = {mount["Source"] for part in installed.inspect().values() for mount in part["Mounts"]}
    assert not [source for source in sources if source.endswith(("server-key", "/secrets"))]
    public = installed.deploy / "configuration" / "server.pub"
    assert stat.S_IMODE(public.stat().st_mode) == 0o444
    # Damaged it is made again, of the same key, and the gateway has that.
    key, text = installed.secret("server-key"), public.read_text()
    public.unlink()
    public.write_text("damaged")
    assert installed.install()["changed"] == ["configuration/server.pub", "container gateway"]
    assert (installed.secret("server-key"), public.read_text()) == (key, text)
    assert docker("exec", installed.inspect()["gateway"]["Id"], "cat", "/server.pub") == text


async def test_an_agent_that_was_enrolled_is_configured_from_here(installed: Installation, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "pi", "pi-6")
    configure = ("kleinmaelzung", "agent", "configure", "pi-6", "-", "--yes")
    async with installed.client() as lab:
        told = await lab.enrol_agent("pi-6")
        done, _, err = await machine.enrol(installed.told["url"], told.code)
        assert (done, err) == (0, "")
        assert (machine.config.parent / "server.pub").read_text() == (
            installed.deploy / "configuration" / "server.pub"
        ).read_text()
        with Pty(tmp_path / "thermometer") as pty:
            pty.plug()
            Thermometer(pty).start()
            async with machine.running(), watching(lab, "pi-6/kiln") as seen:
                await until_online(lab, "pi-6")
                before = await asyncio.to_thread(installed.do, "kleinmaelzung", "agent", "config", "pi-6")
                wanted = before + THERMOMETER.format(name="kiln", port=pty.port, every="50ms")
                out = await asyncio.to_thread(lambda: installed.do(*configure, stdin=wanted))
                assert "pi-6 is configured: added kiln" in out
                await seen.until_more("pi-6/kiln")
                # It was not installed by install-agent, so nothing there could install a program.
                updating = await asyncio.to_thread(installed.attempt, "kleinmaelzung", "agent", "update", "pi-6")
    assert (updating.returncode, "pi-6  refused" in updating.stdout) == (1, True), updating.stdout + updating.stderr


def test_only_its_reader_can_read_a_secret(installed: Installation) -> None:
    secrets = installed.deploy / "secrets"
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir() if file.is_file()}
    assert set(modes.values()) == {0o400}
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700


def test_only_the_page_and_the_outer_mqtt_port_are_published(installed: Installation) -> None:
    published = {
        (name, inner, each["HostIp"], int(each["HostPort"]))
        for name, part in installed.inspect().items()
        for inner, bindings in part["NetworkSettings"]["Ports"].items()
        for each in bindings or []
    }
    assert published == {
        ("gateway", "8080/tcp", "127.0.0.1", installed.port),
        ("broker", "8883/tcp", "127.0.0.1", installed.mqtt_port),
    }


def test_the_brokers_inner_port_is_on_the_inner_network_only(installed: Installation) -> None:
    assert answers(installed.address_of("broker", "inside"), 1883)
    assert answers(installed.address_of("broker", "outside"), 8883)
    assert not answers(installed.address_of("broker", "outside"), 1883)


def test_the_inner_network_has_no_way_out(installed: Installation) -> None:
    logger = installed.inspect()["logger"]["Id"]
    for host, port, is_reached in (
        ("broker-inside", 1883, True),
        ("database", 5432, True),
        (installed.address_of("broker", "outside"), 8883, False),
    ):
        attempt = f"import socket; socket.create_connection(({host!r}, {port}), timeout=2)"
        tried = subprocess.run(["docker", "exec", logger, "python3", "-c", attempt], capture_output=True, check=False)
        assert (tried.returncode == 0) == is_reached, (host, tried.stderr)


async def test_a_part_that_is_killed_comes_back_by_itself(installed: Installation) -> None:
    before = {name: part["State"]["Pid"] for name, part in installed.inspect().items()}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def are_there() -> bool:
        now = {name: part["State"]["Pid"] for name, part in installed.inspect().items()}
        return set(now) == PARTS and not any(now[name] in (0, before[name]) for name in PARTS)

    await until(are_there, "all parts again", limit_s=60)
    engine.find(installed.deploy).wait()


def test_a_part_that_has_just_been_started_ends_when_it_is_told(installed: Installation) -> None:
    """Not by a SIGKILL after half a minute, as a first process that cannot hear yet."""
    for name in ("gateway", "logger"):
        container = installed.inspect()[name]["Id"]
        docker("restart", "--time", "30", container)
        docker("stop", "--time", "30", container)
        code = docker("inspect", "--format", "{{.State.ExitCode}}", container).strip()
        docker("start", container)
        assert code in ("0", "143"), name
    engine.find(installed.deploy).wait()


def test_an_upgrade_replaces_what_is_ours_and_keeps_the_rest(installed: Installation) -> None:
    before = running(installed)
    installed.do("kleinmaelzung", "agent", "add", "pi-8")
    as_an_earlier_version_left_them(installed)
    for name in ("secrets/server-key", "configuration/server.pub"):
        (installed.deploy / name).unlink()
    project = installed.tree / "pyproject.toml"
    project.write_text(re.sub(r'(?m)^version = ".*"', 'version = "99.0.0"', project.read_text()))
    changed = json.loads(installed.do("upgrade", "--json"))["changed"]
    after = running(installed)
    # The broker's accounts were brought up to date, and it reads them when it starts.
    assert {name for name in PARTS if before[name] != after[name]} == {*access.SERVICES, "broker"}
    assert before["database"] == after["database"]
    assert {"image", "the broker's accounts", "secrets/server-key", "configuration/server.pub"} <= set(changed)
    with urllib.request.urlopen(f"{installed.told['url']}/healthz") as answer:
        assert json.load(answer)["version"] == "99.0.0"
    assert "pi-8" in installed.do("kleinmaelzung", "agent", "list")
    assert json.loads(installed.do("upgrade", "--json"))["changed"] == []


async def test_a_destroyed_system_comes_back_and_its_agent_goes_on(installed: Installation, tmp_path: Path) -> None:
    installed.attempt("kleinmaelzung", "agent", "remove", "pi-1")  # another test may have had one
    with Pty(tmp_path / "thermometer") as pty:
        pty.plug()
        thermometer = Thermometer(pty, temperature="+11.25").start()
        async with installed.client() as lab:
            whole = Whole(installed.as_system(), lab, tmp_path)
            await whole.start_agent(THERMOMETER.format(name="kiln", port=pty.port, every="100ms"))
        try:
            await until_logged(whole, 11.25)
            made = Path((await asyncio.to_thread(installed.do, "backup")).strip())
            file = made.rename(tmp_path / made.name)
            key = installed.secret("server-key")
            await asyncio.to_thread(installed.do, "uninstall", "--delete-data")
            assert installed.leftovers() == {}
            thermometer.temperature = "+44.75"
            await asyncio.to_thread(installed.do, "restore", str(file))
            assert installed.secret("server-key") == key
            public = subprocess.run(
                ["openssl", "pkey", "-pubout"], input=key, capture_output=True, text=True, check=True
            )
            assert (installed.deploy / "configuration" / "server.pub").read_text() == public.stdout
            restored = Whole(installed.as_system(), lab, tmp_path)
            await until_logged(restored, 44.75)
            assert await restored.ask("SELECT count(*) FROM readings WHERE value = 11.25") > 0
        finally:
            await whole.kill_agent()


def as_an_earlier_version_left_them(installed: Installation) -> None:
    """Take a right of the logger's away in the broker's file, as if an earlier version had not known it."""
    docker("stop", installed.inspect()["broker"]["Id"])
    volume = json.loads(docker("volume", "inspect", f"{installed.project}_broker"))[0]["Mountpoint"]
    file = Path(volume) / "dynamic-security.json"
    state = json.loads(file.read_text())
    [role] = [role for role in state["roles"] if role["rolename"] == "service:logger"]
    role["acls"].pop()
    file.write_text(json.dumps(state))


def files(installed: Installation) -> dict[str, tuple[int, int, int]]:
    """Each file of deploy/, with what changes when it is touched."""
    every = (path for path in installed.deploy.rglob("*") if path.is_file() and "login" not in path.parts)
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino, path.stat().st_mode) for path in every}


def running(installed: Installation) -> dict[str, str]:
    return {name: f"{part['Id']} {part['State']['StartedAt']}" for name, part in installed.inspect().items()}


def process_status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


async def until_online(lab: Lab, name: str) -> None:
    async with asyncio.timeout(20):
        async for message in lab.messages(f"{name}/status"):
            if messages.AgentStatus.decode(message.payload).online:
                return


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


async def until_logged(whole: Whole, value: float) -> None:
    async with asyncio.timeout(20):
        while not await whole.ask("SELECT EXISTS (SELECT FROM readings WHERE value = $1)", value):
            await asyncio.sleep(0.05)
