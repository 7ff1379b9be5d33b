"""What we know of Envoy's variables, asked of an Envoy."""

import json
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mesh_federation.mesh.istio.variables import ALONE, WITH_PARAMETERS, WITH_PARAMETERS_OR_ALONE, flaws

from sandbox.mesh import envoy

_PARAMETERS = {
    "COALESCE": '{"operators": ["PROTOCOL"]}',
    "COMMON_DURATION": "DS_RX_BEG:DS_RX_END:ms",
    "GRPC_STATUS": "NUMBER",
    "METADATA": "ROUTE:a",
    "PATH": "NQ",
    "QUERY_PARAMS": "ORIG",
    "REQUESTED_SERVER_NAME": "SNI_ONLY",
}
_EXTENSIONS = "type.googleapis.com/envoy.extensions.filters"


@pytest.mark.parametrize(
    "name_to_value",
    ["%{}%".format, lambda name: f"%{name}({_PARAMETERS.get(name, 'x')})%"],
    ids=["alone", "with parameters"],
)
def test_envoy_takes_what_has_no_flaw(name_to_value: Callable[[str], str], tmp_path: Path) -> None:
    names = sorted(WITH_PARAMETERS | WITH_PARAMETERS_OR_ALONE | ALONE | {"REQ_WITHOUT_QUERY", "NOTHING"})
    values = [*map(name_to_value, names), "%a b%", "%req(x)%", "%PROTOCOL:3%", "%PROTOCOL()%", "%REQ()%", "%REQ(x) %"]

    with ThreadPoolExecutor() as threads:
        taken = dict(zip(values, threads.map(partial(_is_taken, tmp_path), range(len(values)), values), strict=True))

    assert taken == {value: not [*flaws(value)] for value in values}


def _is_taken(folder: Path, number: int, value: str) -> bool:
    file = folder / f"{number}.json"
    file.write_text(json.dumps(_bootstrap(value)))
    command = [str(envoy.program()), "--mode", "validate", "--log-level", "critical", "--config-path", str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _bootstrap(value: str) -> dict[str, Any]:
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200},
        "request_headers_to_add": [{"header": {"key": "x", "value": value}}],
    }
    router = {"@type": f"{_EXTENSIONS}.http.router.v3.Router"}
    manager = {
        "@type": f"{_EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "x",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "route_config": {"virtual_hosts": [{"name": "x", "domains": ["*"], "routes": [route]}]},
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}},
        "filter_chains": [{"filters": [{"name": "x", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener]}}
