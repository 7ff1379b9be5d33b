"""What a bed consists of, in a file of its directory, so that any later command finds it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .topology import BedCluster, Port, Workload


class Record:
    """Clusters and workloads, each with the number from which its addresses derive, and the control planes' ports."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def exists(self) -> bool:
        return self._file.exists()

    def begin(self, clusters: Sequence[BedCluster], ports: Mapping[str, Mapping[str, int]]) -> None:
        """A bed of these clusters without workloads; `ports` are those of each cluster's istiod."""
        self._write(
            {
                "clusters": [asdict(cluster) for cluster in clusters],
                "ports": ports,
                "workloads": {},
                "numbers": {},
            }
        )

    def add(self, workloads: Iterable[Workload]) -> None:
        """Each has a number of its own afterwards; one that returns gets the number it had."""
        stored = self._read()
        for added in workloads:
            stored["workloads"][added.key] = asdict(added)
            stored["numbers"].setdefault(added.key, len(stored["numbers"]) + 1)
        self._write(stored)

    def remove(self, workloads: Iterable[Workload]) -> None:
        stored = self._read()
        for removed in workloads:
            del stored["workloads"][removed.key]
        self._write(stored)

    @property
    def clusters(self) -> dict[str, BedCluster]:
        return {stored["name"]: BedCluster(**_with_tuples(stored)) for stored in self._read()["clusters"]}

    @property
    def workloads(self) -> list[Workload]:
        return [
            Workload(**{**_with_tuples(stored), "ports": tuple(Port(**port) for port in stored["ports"])})
            for stored in self._read()["workloads"].values()
        ]

    def number_of(self, workload: Workload) -> int:
        """1, 2, …"""
        return int(self._read()["numbers"][workload.key])

    def cluster_number(self, cluster: str) -> int:
        """1, 2, … in the order in which the clusters were stated."""
        return [*self.clusters].index(cluster) + 1

    def ports_of(self, cluster: str) -> dict[str, int]:
        return dict(self._read()["ports"][cluster])

    def _read(self) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(self._file.read_text())
        return stored

    def _write(self, stored: Mapping[str, Any]) -> None:
        # in one step: threads read it
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(stored, indent=2))
        new.replace(self._file)


def _with_tuples(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()}
