"""One call, followed from the caller's proxy to the pods that answer it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.configuration import Configuration, UnknownNameError
from tests.oracle.envoy import Answer, Request, StockEnvoy
from tests.oracle.listeners import Connection, last_filter
from tests.oracle.routes import Route, read_route, shares
from tests.oracle.world import BLACK_HOLE, PASSTHROUGH, Caller, End, World

_ATTEMPTS = 20_000
"""More than it takes to meet a destination of one in a thousand, in all likelihood."""
_FIRST_BYTES = {"http": "http/1.1", "grpc": "h2c"}


@dataclass(frozen=True, slots=True)
class Call:
    """A request of the language's form."""

    host: str
    port: int
    protocol: str = "http"
    method: str = "GET"
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    sni: str = ""

    @classmethod
    def read(cls, request: Mapping[str, Any]) -> "Call":
        return cls(**{**request, "port": int(request["port"])})


@dataclass(slots=True)
class Outcome:
    """What becomes of a call. Shares are in percent of all calls that are like it."""

    route: Route | None = None
    """None: no route of HTTP took it."""
    ends: dict[End, float] = field(default_factory=dict)
    mirrors: dict[End, float] = field(default_factory=dict)
    answers: dict[End, Answer] = field(default_factory=dict)
    """An answer of each end that was met."""
    own_answer: Answer | None = None
    """The caller's own proxy answers, and nobody else."""
    is_closed: bool = False
    server_name: str = ""
    """Of TLS that the application speaks itself, as it arrives."""
    lost: list[str] = field(default_factory=list)
    """Why a part of the calls gets an error."""

    @property
    def lost_share(self) -> float:
        answered = self.own_answer is not None or self.is_closed
        return 0.0 if answered else 100.0 - sum(self.ends.values())


def follow(world: World, envoy: StockEnvoy, caller: Caller, call: Call, *, answer_with: frozenset[str]) -> Outcome:
    """The outcome of a call, by what istiod has sent to all proxies on its way.

    Every end that a route has is met at least once; there the answer has the headers `answer_with`.
    """
    configuration = world.of_caller(caller)
    try:
        address = _dialled(world, caller, configuration, call)
    except UnknownNameError as error:
        return Outcome(lost=[str(error)])
    chain = _chain(caller, configuration, address, call)
    if chain is None:
        return Outcome(is_closed=True)
    way = _Way(world, caller, configuration, address, call.port)
    if "rds" not in last_filter(chain):
        return way.of_connection(shares(last_filter(chain)), call.sni)
    table = configuration.tables[last_filter(chain)["rds"]["route_config_name"]]
    name = envoy.hold(chain, table)
    request = _request(call)
    answer = envoy.ask(name, request, answer_with)
    if answer.place is None:
        return Outcome(own_answer=answer)
    host, number = answer.place
    route = read_route(table["virtual_hosts"][host]["routes"][number])
    if not answer.arrived:
        return Outcome(route, own_answer=answer)
    outcome = way.of_route(route)
    wanted = set(route.shares)
    for _ in range(_ATTEMPTS):
        assert answer.cluster in route.shares, f"{answer.cluster} is no destination of the route that took the call"
        ends, _lost = way.ends(answer.cluster)
        outcome.answers |= dict.fromkeys(ends, answer)
        wanted.discard(answer.cluster)
        if not wanted:
            return outcome
        answer = envoy.ask(name, request, answer_with)
        assert answer.place == (host, number), "equal requests take different routes"
    raise AssertionError(f"nobody has met {wanted} in {_ATTEMPTS} requests")


def _dialled(world: World, caller: Caller, configuration: Configuration, call: Call) -> str:
    """The address that a workload's call goes to; from outside, it is the gateway's. Raises `UnknownNameError`."""
    if caller.type == "router":
        return "0.0.0.0"
    try:
        return configuration.address_of(call.host, caller.namespace)
    except UnknownNameError:
        if call.host not in world.inventory.public_names:
            raise
        return _OUTSIDE[configuration.versions[0]]


_OUTSIDE = {4: "198.51.100.253", 6: "2001:db8::253"}
"""Where public DNS leads to, by IP version: nobody of the mesh."""


def _chain(caller: Caller, configuration: Configuration, address: str, call: Call) -> dict[str, Any] | None:
    if caller.type == "router":
        return configuration.chain_of_gateway(call.port)
    connection = Connection(
        address,
        call.port,
        server_name=call.sni,
        transport="tls" if call.protocol == "tls" else "raw_buffer",
        protocols=tuple(filter(None, (_FIRST_BYTES.get(call.protocol),))),
    )
    return configuration.chain_at(connection)


def _request(call: Call) -> Request:
    host = call.host if call.port == 80 else f"{call.host}:{call.port}"
    grpc = {"content-type": "application/grpc", "te": "trailers"} if call.protocol == "grpc" else {}
    return Request(call.method, call.path, host, {**grpc, **call.headers})


@dataclass(frozen=True, slots=True)
class _Way:
    """From a caller's proxy, for what was dialled."""

    world: World
    caller: Caller
    configuration: Configuration
    address: str
    port: int

    def of_connection(self, clusters: Mapping[str, float], server_name: str) -> Outcome:
        """The bytes pass as they are."""
        if BLACK_HOLE in clusters:
            return Outcome(is_closed=True)
        ends, lost = self._spread(clusters)
        return Outcome(ends=ends, lost=lost, server_name=server_name if ends else "")

    def of_route(self, route: Route) -> Outcome:
        ends, lost = self._spread(route.shares)
        mirrors, _ = self._spread(route.mirrors)
        return Outcome(route, ends, mirrors, lost=lost)

    def ends(self, cluster: str) -> tuple[dict[End, float], list[str]]:
        """Who answers what goes to a cluster of the proxy, and why the rest is lost."""
        client = self.caller.cluster
        if cluster != PASSTHROUGH:
            return self.world.ends(client, self.configuration, cluster)
        end = self.world.behind(client, self.configuration, self.address, self.port)
        return ({end: 100.0}, []) if end else ({}, [f"nobody is at {self.address}"])

    def _spread(self, clusters: Mapping[str, float]) -> tuple[dict[End, float], list[str]]:
        total: dict[End, float] = {}
        reasons: list[str] = []
        for cluster, share in clusters.items():
            ends, lost = self.ends(cluster)
            reasons += lost
            for end, part in ends.items():
                total[end] = total.get(end, 0.0) + share * part / 100.0
        return total, reasons
