"""Where a provider's cluster is reached, and whether anybody answers there: real servers on loopback."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pulumi
import pytest
import yaml
from mesh_federation.kubeconfig import find_server, servers
from mesh_federation.reachability import why_unreachable
from pulumi.runtime import mocks
from pulumi_kubernetes import Provider

from sandbox.mesh.certificates import Root
from tests.given.registration import Engine

# -- where -------------------------------------------------------------------------------------------------------


def kubeconfig(*names: str, current: str = "", **fields: str) -> str:
    """A context and a cluster of each name; their servers are called after them."""
    return yaml.safe_dump(
        {
            "current-context": current,
            "contexts": [{"name": name, "context": {"cluster": f"the-{name}", "user": "me"}} for name in names],
            "clusters": [
                {"name": f"the-{name}", "cluster": {"server": f"https://{name}:6443", **fields}} for name in names
            ],
            "users": [{"name": "me", "user": {"token": "s3cret"}}],
        }
    )


BOTH = kubeconfig("east", "west", current="west")


@pytest.mark.parametrize(
    ("context", "cluster", "server"),
    [
        ("east", None, "https://east:6443"),
        (None, None, "https://west:6443"),
        ("east", "the-west", "https://west:6443"),
        ("north", None, None),
        ("east", "the-north", None),
    ],
)
def test_the_cluster_that_the_provider_takes(context: str | None, cluster: str | None, server: str | None) -> None:
    assert find_server(BOTH, context, cluster) == ({"server": server} if server else None)


def test_a_kubeconfig_may_be_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(BOTH)
    assert find_server(str(tmp_path / "config"), "east", None) == {"server": "https://east:6443"}
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_server("~/config", "east", None) == {"server": "https://east:6443"}


def test_without_one_the_environment_names_the_files_and_the_first_of_a_name_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one").write_text(kubeconfig("east", current="east"))
    (tmp_path / "two").write_text(BOTH.replace("https://east:6443", "https://elsewhere:6443"))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'one'}:{tmp_path / 'missing'}:{tmp_path / 'two'}")

    assert find_server(None, "east", None) == {"server": "https://east:6443"}
    assert find_server(None, "west", None) == {"server": "https://west:6443"}
    assert find_server(None, None, None) == {"server": "https://east:6443"}


def test_without_that_it_is_the_one_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert find_server(None, "east", None) is None

    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(BOTH)
    assert find_server(None, "east", None) == {"server": "https://east:6443"}


def test_a_proxy_belongs_to_it_and_one_that_cannot_be_asked_through_leaves_nobody_to_ask() -> None:
    through = kubeconfig("east", current="east", **{"proxy-url": "http://proxy:3128"})
    assert find_server(through, None, None) == {"server": "https://east:6443", "proxy-url": "http://proxy:3128"}
    assert find_server(through.replace("http://proxy", "socks5://proxy"), None, None) is None


@pytest.mark.parametrize(
    "text", ["{", "- list", "no: clusters", "contexts: 1", "contexts: [1]", "contexts: [{name: east, context: 1}]", "x"]
)
def test_what_is_no_kubeconfig_leaves_nobody_to_ask(text: str) -> None:
    assert find_server(f"{text}\n", "east", None) is None
    assert find_server(text, "east", None) is None


def asked(**arguments: Any) -> Any:
    """Where the cluster of a provider with these arguments is asked."""
    engine = Engine()
    mocks.set_mocks(engine, project="mesh", stack="demo", monitor=engine)
    values: list[Any] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator,unused-ignore]
    def program() -> Any:
        output = servers({"east": Provider("k8s-east", **arguments)})

        async def secret() -> None:
            assert await output.is_secret()

        return pulumi.Output.all(output.apply(values.append), secret())

    program()
    [by_cluster] = values
    [server] = by_cluster.values()
    return server


def test_a_provider_says_what_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/dev/null")
    assert asked(kubeconfig=BOTH, context="east") == {"server": "https://east:6443"}
    assert asked(kubeconfig=pulumi.Output.secret(BOTH)) == {"server": "https://west:6443"}
    assert asked(context="east") is None


def test_a_provider_that_was_given_neither_a_kubeconfig_nor_a_context_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(BOTH)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert asked(context="east") == {"server": "https://east:6443"}
    assert asked(render_yaml_to_directory="rendered") is None


# -- whether -----------------------------------------------------------------------------------------------------


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[dict[str, str]]:
    """A server on loopback that treats each connection so."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                stack.enter_context(connection)
                serve(connection)

        thread = Thread(target=run, daemon=True)
        thread.start()
        yield {"server": f"https://127.0.0.1:{listener.getsockname()[1]}"}
        # a close alone does not wake who accepts
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def answering(directory: Path, status: int) -> Iterator[dict[str, str]]:
    """An HTTPS server under a name and an authority that nobody knows."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    Root().issue("somebody", directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "ca-cert.pem", directory / "ca-key.pem")
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield {"server": f"https://127.0.0.1:{server.server_address[1]}"}
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 401, 403, 404])
def test_every_answer_of_an_api_server_is_one(status: int, tmp_path: Path) -> None:
    with answering(tmp_path, status) as server:
        assert why_unreachable(server) is None


def test_so_is_a_refusal_of_the_handshake() -> None:
    def alert(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(bytes.fromhex("15 0303 0002 02 28"))  # fatal: handshake failure
        connection.recv(65536)

    with listening(alert) as server:
        assert why_unreachable(server) is None


def test_a_load_balancer_with_nobody_behind_it_is_unreachable(tmp_path: Path) -> None:
    with answering(tmp_path, 503) as server:
        assert "503" in str(why_unreachable(server))

    def end(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.close()

    with listening(end) as server:
        assert "EOF" in str(why_unreachable(server))


def test_so_is_a_closed_port_and_one_that_accepts_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert "refused" in str(why_unreachable({"server": f"https://127.0.0.1:{port}"}))
    with listening(lambda _: None) as server:
        assert "timed out" in str(why_unreachable(server, seconds=0.2))


def test_and_a_name_that_leads_nowhere() -> None:
    assert why_unreachable({"server": "https://nobody.invalid:6443"})


def test_a_cluster_behind_a_proxy_is_asked_through_it() -> None:
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        asked.append(connection.recv(1000))
        connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")

    with listening(serve) as proxy:
        through = {"server": "https://east:6443", "proxy-url": proxy["server"].replace("https", "http")}
        assert "502" in str(why_unreachable(through))
    assert asked[0].startswith(b"CONNECT east:6443 ")
