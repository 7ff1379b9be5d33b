"""Whether a proxy would take what istiod sends it: `envoy --mode validate`, of a stock Envoy."""

import json
import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.mesh import envoy
from tests.oracle.configuration import Configuration, Message

_MANAGEMENT = ("xds-grpc", "sds-grpc")
"""The clusters by which a proxy of Istio reaches its agent."""


class RefusedByEnvoyError(ValueError):
    """Envoy refuses a configuration; says why in its own words."""


def validate(*configurations: Configuration) -> None:
    """Raises `RefusedByEnvoyError` unless an Envoy takes all listeners, route tables and clusters as they are."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        refusals = threads.map(refusal, {_bootstrap(configuration) for configuration in configurations})
        if refused := [*filter(None, refusals)]:
            raise RefusedByEnvoyError("\n".join(refused))


def _bootstrap(configuration: Configuration) -> str:
    """For an Envoy that holds all this from its start; the same text for the same configuration."""
    tables = configuration.tables
    bootstrap = {
        "node": {"id": "proxy", "cluster": "proxies"},
        "dynamic_resources": {"ads_config": {**_by_grpc(_MANAGEMENT[0]), "transport_api_version": "V3"}},
        "static_resources": {
            "listeners": [with_tables(listener, tables) for listener in configuration.listeners.values()],
            "clusters": [*map(_management, _MANAGEMENT), *configuration.clusters.values()],
        },
    }
    return json.dumps(bootstrap, sort_keys=True)


def with_tables(message: Any, tables: dict[str, Message] | Any) -> Any:
    """A listener or filter whose HTTP filters hold their route table instead of asking istiod for it."""
    if isinstance(message, list):
        return [with_tables(part, tables) for part in message]
    if not isinstance(message, dict):
        return message
    parts = {key: with_tables(part, tables) for key, part in message.items() if key != "rds"}
    if "rds" in message:
        parts["route_config"] = tables[message["rds"]["route_config_name"]]
    return parts


@cache
def refusal(bootstrap: str) -> str:
    """Why Envoy refuses a bootstrap; empty if it does not. Many proxies hold the same."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "bootstrap.json"
        file.write_text(bootstrap)
        command = [str(envoy.program()), "--mode", "validate", "--log-level", "critical", "--config-path", str(file)]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    return (run.stderr or run.stdout or "no reason given").strip() if run.returncode else ""


def _by_grpc(cluster: str) -> Message:
    return {"api_type": "GRPC", "grpc_services": [{"envoy_grpc": {"cluster_name": cluster}}]}


def _management(name: str) -> Message:
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    http2 = {"@type": f"type.googleapis.com/{options}", "explicit_http_config": {"http2_protocol_options": {}}}
    return {"name": name, "type": "STATIC", "typed_extension_protocol_options": {options: http2}}
