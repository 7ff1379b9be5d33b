"""A federation on the bed: `pulumi up` moves it from spec to spec, and requests show what became of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.mesh import calls
from sandbox.mesh.bed import Bed
from sandbox.mesh.load import Report
from sandbox.mesh.topology import GATEWAY_SERVICE
from tests.given.specs import Spec
from tests.real.stack import Run, Stack, program

OVERRIDE = "MESH_SETTLE_SECONDS"
REVIEWS = "http://reviews:9080/"
RENAMED = """
import pulumi
from mesh_federation import MeshFederation, settings

MeshFederation("{name}", settings.read(), pulumi.ResourceOptions(aliases=[pulumi.Alias(name="{old}")]))
"""


class LiveFederation:
    """What one stack keeps on the bed's clusters."""

    def __init__(self, bed: Bed, stack: Stack) -> None:
        self.bed = bed
        self.stack = stack
        self._spec: Spec | None = None

    def become(self, spec: Spec) -> None:
        """What `spec` says, at every proxy, by the shortest way: requests may be lost. Nothing if it is so already."""
        if spec != self._spec:
            self.hurry(spec)
            self.bed.settle()

    def move_to(self, spec: Spec) -> None:
        """The same without a loss."""
        if spec != self._spec:
            self.update(spec)
            self.bed.settle()

    def update(self, spec: Spec) -> Run:
        """One `pulumi up`."""
        self._spec = None
        self.stack.configure(spec)
        run = self.stack.up()
        self._spec = spec
        return run

    def hurry(self, spec: Spec) -> Run:
        """One `pulumi up` that waits for nobody: requests may be lost."""
        self.stack.extra_environment[OVERRIDE] = "0"
        try:
            return self.update(spec)
        finally:
            del self.stack.extra_environment[OVERRIDE]

    @contextmanager
    def renamed(self, name: str) -> Iterator[None]:
        """Updates come from a program that gives the federation another name, with an alias for the one it had."""
        ours = self.stack.program
        self.stack.program = program(self.stack.directory / name, RENAMED.format(name=name, old="mesh"))
        try:
            yield
        finally:
            self.stack.program = program(self.stack.directory / "back", RENAMED.format(name="mesh", old=name))
            self.stack.up()
            self.stack.program = ours

    @contextmanager
    def without_address(self, cluster: str, address: str) -> Iterator[None]:
        """One address of a cluster's gateway is dead: nobody answers there, not even with a refusal."""
        namespace = self.bed.caller(f"{cluster}/{GATEWAY_SERVICE}").namespace
        namespace.configure(f"address delete {address}/16 dev wan")
        try:
            yield
        finally:
            namespace.configure(f"address add {address}/16 dev wan")

    def send(self, number: int = 1, url: str = REVIEWS, caller: str = "cluster1/productpage") -> Report:
        """Requests, as fast as it goes."""
        return calls.send(self.bed.caller(caller), url, number=number)

    def answer(self, url: str = REVIEWS, caller: str = "cluster1/productpage") -> dict[str, Any]:
        """The answer to one request."""
        report = self.send(url=url, caller=caller)
        assert not report.failures, report.failures
        return next(iter(report.samples.values()))
