"""A stock Envoy that routes HTTP requests by istiod's own route tables, and says which route took each.

A table is held as istiod sent it, with a note in each route's metadata; a filter beside it writes the note into the
answer. Clusters are replaced by ones of the same name that answer with the request as it arrived.
"""

import hashlib
import http.client
import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.mesh import envoy
from tests.oracle.configuration import Message
from tests.oracle.echo import ANSWER_WITH, ARRIVED, echo
from tests.oracle.listeners import last_filter
from tests.oracle.routes import clusters_of

_PATIENCE_SECONDS = 20.0
_PLACE = "x-oracle-place"
_CLUSTER = "x-oracle-cluster"
_ADDED = {_PLACE: "%METADATA(ROUTE:oracle:place)%", _CLUSTER: "%UPSTREAM_CLUSTER_RAW%"}
_NOTHING = ("", "-")
"""What Envoy writes where there is no value."""


@dataclass(frozen=True, slots=True)
class Request:
    """`host` is what the Host header says."""

    method: str
    path: str
    host: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller gets, and from whom."""

    status: int
    headers: Mapping[str, str]
    body: str
    place: tuple[int, int] | None
    """Numbers of the virtual host and of its route in the table; None: no route took the request."""
    cluster: str
    """The one that the request was meant for."""
    arrived: Message
    """The request as it arrived there: `path`, `host`, `headers`. Empty: the proxy itself answered."""


class StockEnvoy:
    """One Envoy for all tables of a test run."""

    def __init__(self, directory: Path, resources: ExitStack) -> None:
        self._directory = directory
        self._listeners: dict[str, Message] = {}
        self._clusters: dict[str, Message] = {}
        self._version = 0
        resources.enter_context(echo(directory / "echo"))
        self._publish()
        (directory / "bootstrap.json").write_text(json.dumps(self._bootstrap()))
        log = resources.enter_context((directory / "log").open("wb"))
        command = [
            str(envoy.program()),
            "--config-path",
            "bootstrap.json",
            "--concurrency",
            "1",
            "--disable-hot-restart",
        ]
        self._process = subprocess.Popen(
            [*command, "--log-level", "error"], cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        resources.callback(self._process.wait)
        resources.callback(self._process.kill)
        self._wait_until_taken()

    def hold(self, chain: Message, table: Message) -> str:
        """Route by this filter chain and its route table from now on; the name by which to `ask`."""
        text = json.dumps([chain, table], sort_keys=True)
        name = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        if name not in self._listeners:
            self._listeners[name] = self._listener(name, chain, table)
            self._clusters |= {cluster: self._cluster(cluster) for cluster in clusters_of(table)}
            self._publish()
            self._wait_until_taken()
        return name

    def ask(self, name: str, request: Request, answer_with: frozenset[str] = frozenset()) -> Answer:
        """The answer to a request. What answers has the headers `answer_with`, whatever they say."""
        connection = _Connection(str(self._directory / name))
        connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
        headers = {"host": request.host, **request.headers, ANSWER_WITH: ",".join(sorted(answer_with))}
        for header, value in headers.items():
            connection.putheader(header, value)
        connection.endheaders()
        reply = connection.getresponse()
        body = reply.read().decode()
        connection.close()
        answered: dict[str, str] = {}
        for header, value in reply.getheaders():
            answered[header.lower()] = ",".join(filter(None, (answered.get(header.lower()), value)))
        place, cluster, arrived = (answered.pop(added, "") for added in (_PLACE, _CLUSTER, ARRIVED))
        numbers = None if place in _NOTHING else tuple(map(int, place.split(".")))
        return Answer(
            reply.status,
            answered,
            body,
            (numbers[0], numbers[1]) if numbers else None,
            "" if cluster in _NOTHING else cluster,
            json.loads(arrived or "{}"),
        )

    def _listener(self, name: str, chain: Message, table: Message) -> Message:
        manager = {key: value for key, value in last_filter(chain).items() if key not in {"rds", "access_log"}}
        manager["route_config"] = _noted(table)
        manager["http_filters"] = [_TELLING, *manager["http_filters"]]
        return {
            "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
            "name": name,
            "address": {"pipe": {"path": str(self._directory / name)}},
            "filter_chains": [{"filters": [{**chain["filters"][-1], "typed_config": manager}]}],
        }

    def _cluster(self, name: str) -> Message:
        endpoint = {"endpoint": {"address": {"pipe": {"path": str(self._directory / "echo")}}}}
        return {
            "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            "name": name,
            "type": "STATIC",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        }

    def _bootstrap(self) -> Message:
        return {
            "node": {"id": "proxy", "cluster": "proxies"},
            "admin": {"address": {"pipe": {"path": str(self._directory / "admin")}}},
            "dynamic_resources": {
                f"{kind}_config": {"path_config_source": {"path": str(self._directory / f"{kind}.json")}}
                for kind in ("cds", "lds")
            },
            # faults are read from the table: here they would only take time
            "layered_runtime": {
                "layers": [
                    {
                        "name": "no faults",
                        "static_layer": {
                            "fault.http.delay.fixed_delay_percent": 0,
                            "fault.http.abort.abort_percent": 0,
                        },
                    }
                ]
            },
        }

    def _publish(self) -> None:
        self._version += 1
        for kind, resources in (("cds", self._clusters), ("lds", self._listeners)):
            new = self._directory / f"{kind}.new"
            new.write_text(json.dumps({"version_info": str(self._version), "resources": [*resources.values()]}))
            # Envoy takes notice of a file that comes by its name, not of one that is written
            new.replace(self._directory / f"{kind}.json")

    def _wait_until_taken(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._has_taken():
            if time.monotonic() > deadline or self._process.poll() is not None:
                log = (self._directory / "log").read_text(errors="replace")
                raise AssertionError(f"Envoy does not take the route tables:\n{log[-3000:]}")
            time.sleep(0.005)

    def _has_taken(self) -> bool:
        try:
            connection = _Connection(str(self._directory / "admin"))
            connection.request("GET", "/stats?filter=(cds|lds).version_text")
            stats = connection.getresponse().read().decode()
        except OSError:
            return False
        listening = all((self._directory / name).exists() for name in self._listeners)
        return listening and stats.count(f'"{self._version}"') == len(("cds", "lds"))


class _Connection(http.client.HTTPConnection):
    """To a server at a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_PATIENCE_SECONDS)
        self.sock.connect(self._path)


_TELLING: dict[str, Any] = {
    "name": "envoy.filters.http.header_mutation",
    "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        "mutations": {
            "response_mutations": [
                {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
                for name, value in _ADDED.items()
            ],
            "request_mutations": [],
        },
    },
}


def _noted(table: Message) -> Message:
    """The table, with each route's place in its metadata."""
    hosts = [
        {**host, "routes": [*_noted_routes(host.get("routes", ()), number)]}
        for number, host in enumerate(table["virtual_hosts"])
    ]
    return {**table, "virtual_hosts": hosts}


def _noted_routes(routes: Iterator[Message] | Any, host: int) -> Iterator[Message]:
    for number, route in enumerate(routes):
        known = route.get("metadata", {}).get("filter_metadata", {})
        yield {**route, "metadata": {"filter_metadata": {**known, "oracle": {"place": f"{host}.{number}"}}}}


@cache
def stock_envoy() -> StockEnvoy:
    """The one of this process; it ends with it."""
    import atexit

    resources = ExitStack()
    atexit.register(resources.close)
    # the path of a Unix socket may have 108 characters
    directory = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="envoy-", dir="/tmp")))
    return StockEnvoy(directory, resources)
