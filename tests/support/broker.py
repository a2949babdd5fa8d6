"""A real Kafka for the tests, without Docker: Kafka's jars from Maven, run by Java, on free ports, in its own folder.

`RATER_TEST_BOOTSTRAP=host:port` uses a broker that is there; `RATER_TEST_KAFKA=3.9.1` runs another version. The jars
are kept in `.kafka/VERSION` of the checkout, or in `RATER_TEST_KAFKA_LIBS`. `python -m tests.support.broker` runs a
broker until Ctrl-C and prints its address.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

HERE = Path(__file__).resolve().parent
VERSION = os.environ.get("RATER_TEST_KAFKA", "4.1.0")
"""Of the brokers that are run here. What we promise is 3.9 and 4.x."""
LIBS = HERE.parent.parent / ".kafka" / VERSION
UP_WITHIN = 60.0
"""Seconds that the brokers have to answer; 3 are usual."""

USERS = ("switch", "worker", "intake", "door", "operator", "reader", "notify")
"""Who may log in at a secured broker; the password is the name. Who comes by the plain port is an administrator."""

RUNNING: dict[str, Sequence[Path]] = {}
"""Address -> the files that the brokers there log to; none for one that was there before."""

NEEDED = """\
The tests on a real Kafka need one of:
  - Java 17 or newer and Maven (Debian, Ubuntu: apt-get install openjdk-17-jdk-headless maven), or
  - the address of a broker for tests: RATER_TEST_BOOTSTRAP=host:port"""


class NoKafka(Exception):  # noqa: N818 - it says what is missing
    """There is no way to run a broker here; the message says what to install."""


class Node(NamedTuple):
    """One of the brokers, which is one of the controllers too."""

    number: int
    port: int
    controller: int
    folder: Path
    detour: tuple[int, int] | None = None
    """A second way to it: the port that it listens on, and the port that it says (somebody's who passes bytes on)."""
    secured: int | None = None
    """A port at which one logs in, as a user of `USERS`, and may do what ACLs allow."""


class Cluster:
    """Brokers that can be killed and started again: same ports, same data."""

    def __init__(self, nodes: Sequence[Node], jars: Path) -> None:
        self.nodes, self._jars = nodes, jars
        self.address = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        cluster = _cluster_id()
        for node in nodes:
            _format(node, nodes, jars, cluster)

    def start(self, number: int) -> None:
        """Start a broker; it may take seconds until it answers."""
        node = self.nodes[number - 1]
        with (node.folder / "broker.log").open("ab") as log:
            # A session of its own: Ctrl-C in the terminal is for the tests, which end the broker in their own time.
            self.processes[number] = subprocess.Popen(
                [*_java(self._jars), "kafka.Kafka", str(node.folder / "server.properties")],
                stdout=log,
                stderr=log,
                cwd=node.folder,
                start_new_session=True,
            )

    def kill(self, number: int) -> None:
        """SIGKILL: gone, with whatever it had not written."""
        process = self.processes.pop(number)
        process.kill()
        process.wait()

    def until_up(self) -> None:
        """Wait until all brokers that were started answer, and are known to the cluster."""
        for number in self.processes:
            _until_open(self.nodes[number - 1].port)
        asyncio.run(_answers(self.address, len(self.processes), list(self.processes.values())))

    def acls(self, commands: Sequence[Sequence[str]]) -> None:
        """Run `kafka-acls.sh` with the words of each command, as the administrator; one Java for all of them."""
        tool = "kafka.admin.AclCommand" if VERSION.startswith("3.") else "org.apache.kafka.tools.AclCommand"
        lines = "".join("\t".join(("--bootstrap-server", self.address, *words)) + "\n" for words in commands)
        program = [*_java(self._jars), str(HERE / "kafka" / "AclCommands.java"), tool]
        done = subprocess.run(program, input=lines, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoKafka(f"kafka-acls failed:\n{done.stdout}{done.stderr}")

    def end(self) -> None:
        """Kill all: their data goes with their folder, and brokers that end together wait for each other's votes."""
        for number in list(self.processes):
            self.kill(number)


def log_of(address: str, lines: int = 40) -> str:
    """The last lines that the brokers at an address logged, for who looks into a failure."""
    return "\n".join(f"{log}:\n{tail(log, lines)}" for log in RUNNING.get(address, ()))


def tail(file: Path, lines: int = 40) -> str:
    """The last lines of a text file."""
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else "(no log)"


@contextmanager
def kafka(brokers: int = 1) -> Iterator[str]:
    """Run so many brokers until the block ends, or use those of `RATER_TEST_BOOTSTRAP`; gives their address.

    Raises `NoKafka` where neither is possible. Three brokers keep three replicas; one keeps one.
    """
    there = os.environ.get("RATER_TEST_BOOTSTRAP")
    if there:
        asyncio.run(_answers(there, 1, ()))
        yield there
        return
    with cluster(brokers) as made:
        yield made.address


@contextmanager
def cluster(brokers: int, *, detours: bool = False, secured: bool = False) -> Iterator[Cluster]:
    """Run so many brokers until the block ends; each may have a second listener (`Node.detour`, `Node.secured`)."""
    jars = libs()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="rater-kafka-", ignore_cleanup_errors=True))
        ports = iter(_free_ports(5 * brokers))
        nodes = [
            Node(
                n,
                next(ports),
                next(ports),
                Path(folder) / str(n),
                (next(ports), next(ports)) if detours else None,
                next(ports) if secured else None,
            )
            for n in range(1, brokers + 1)
        ]
        made = Cluster(nodes, jars)
        RUNNING[made.address] = [node.folder / "broker.log" for node in nodes]
        stack.callback(RUNNING.pop, made.address)
        stack.callback(made.end)
        for node in nodes:
            made.start(node.number)
        try:
            made.until_up()
        except NoKafka as error:
            message = f"{error}\n{log_of(made.address)}"
            raise NoKafka(message) from error
        yield made


def libs() -> Path:
    """The folder of Kafka's jars, fetched by Maven when they are not there yet."""
    if not shutil.which("java"):
        raise NoKafka(f"java is not here.\n{NEEDED}")
    kept = Path(os.environ.get("RATER_TEST_KAFKA_LIBS") or LIBS)
    if (kept / f"kafka_2.13-{VERSION}.jar").exists():
        return kept
    if not shutil.which("mvn"):
        raise NoKafka(f"mvn is not here, and {kept} has no jars.\n{NEEDED}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    # One at a time: tests run side by side, and whoever came second would take the jars from under the first's broker.
    with (kept.parent / f"{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / f"kafka_2.13-{VERSION}.jar").exists():
            _fetch(kept)
    return kept


def _fetch(kept: Path) -> None:
    # Complete or not there: a download that was cut off must not be taken for the jars.
    with tempfile.TemporaryDirectory(dir=kept.parent) as fetched:
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}/libs", f"-Dkafka.version={VERSION}"]
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(HERE / "kafka" / "pom.xml"), *goal],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoKafka(f"mvn could not fetch Kafka's jars:\n{(done.stdout + done.stderr)[-3000:]}\n{NEEDED}")
        shutil.rmtree(kept, ignore_errors=True)
        (Path(fetched) / "libs").rename(kept)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        # All at once, so that no port is given twice.
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [s.getsockname()[1] for s in sockets]


def _cluster_id() -> str:
    """As `kafka.tools.StorageTool random-uuid` makes it, without a second of Java."""
    while (ident := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return ident


_SECURED = {
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.secured.plain.sasl.jaas.config": " ".join(
        ["org.apache.kafka.common.security.plain.PlainLoginModule required", *(f'user_{u}="{u}"' for u in USERS)]
    )
    + ";",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
}


def _properties(node: Node, nodes: Sequence[Node]) -> str:
    replicas = min(3, len(nodes))
    voters = ",".join(f"{n.number}@127.0.0.1:{n.controller}" for n in nodes)
    listeners = {"PLAINTEXT": (node.port, node.port), "CONTROLLER": (node.controller, node.controller)}
    if node.detour is not None:
        listeners["DETOUR"] = node.detour
    if node.secured is not None:
        listeners["SECURED"] = (node.secured, node.secured)
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": voters,
        "listeners": ",".join(f"{name}://127.0.0.1:{port}" for name, (port, _) in listeners.items()),
        "advertised.listeners": ",".join(
            f"{name}://127.0.0.1:{said}" for name, (_, said) in listeners.items() if name != "CONTROLLER"
        ),
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": ",".join(
            f"{name}:{'SASL_PLAINTEXT' if name == 'SECURED' else 'PLAINTEXT'}" for name in listeners
        ),
        "log.dirs": node.folder / "data",
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": min(2, replicas),
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": min(2, replicas),
        "group.initial.rebalance.delay.ms": 0,
        # A broker that is gone gives its partitions away soon.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # A frozen worker's transaction holds up readers until it is aborted; look for such every second.
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        # A topic that somebody only asks about must not come to be with settings that nobody chose.
        "auto.create.topics.enable": "false",
        **(_SECURED if node.secured is not None else {}),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _java(jars: Path) -> list[str]:
    return ["java", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*"]


def _format(node: Node, nodes: Sequence[Node], jars: Path, cluster: str) -> None:
    node.folder.mkdir()
    file = node.folder / "server.properties"
    file.write_text(_properties(node, nodes))
    formatting = [*_java(jars), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(file)]
    done = subprocess.run(formatting, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoKafka(f"Kafka's storage tool failed:\n{done.stdout}{done.stderr}")


def _until_open(port: int) -> None:
    deadline = monotonic() + UP_WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError as error:
            if monotonic() > deadline:
                raise NoKafka(f"no broker listens at port {port}") from error
            sleep(0.1)
        else:
            return


async def _answers(address: str, brokers: int, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until the cluster itself says that all its brokers are there."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it tells of every attempt before the broker is up
    deadline = monotonic() + (UP_WITHIN if processes else 10.0)
    try:
        while True:
            ended = [process for process in processes if process.poll() is not None]
            if ended:
                raise NoKafka(f"the broker ended with status {ended[0].returncode}")
            if await _brokers(address) >= brokers:
                return
            if monotonic() > deadline:
                raise NoKafka(f"no Kafka answers at {address}")
            await asyncio.sleep(0.1)
    finally:
        logging.getLogger("aiokafka").setLevel(logging.NOTSET)


async def _brokers(address: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    try:
        await admin.start()
        return len((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return 0
    finally:
        await admin.close()


def main() -> None:
    """Run a broker until Ctrl-C or SIGTERM. An argument says how many brokers."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with kafka(int(sys.argv[1]) if len(sys.argv) > 1 else 1) as address:
            print(address, flush=True)
            signal.pause()
    except NoKafka as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
