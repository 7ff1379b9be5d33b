"""The programs that a sandbox runs: those on PATH, else built from their Go modules, once for each user and version."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

MODULES = Path(__file__).parent / "tools"
_HEARTBEAT_SECONDS = 30.0


class ToolError(RuntimeError):
    """A tool can neither be found nor built; says what to install."""


@dataclass(frozen=True, slots=True)
class Source:
    """Go packages of one module folder under `tools/` that are built together."""

    folder: str
    packages: tuple[str, ...]
    minutes: int
    """About how long a first build takes on two cores."""
    flags: tuple[str, ...] = ()
    beside: Callable[[Path, Path], None] | None = None
    """Puts what belongs beside the programs there: called with the module folder and the programs' directory."""
    beside_from: tuple[str, ...] = ()
    """Other module folders that `beside` builds from."""

    @property
    def directory(self) -> Path:
        """Where the programs are kept. A new version, or other flags, is a new directory."""
        digest = blake2b(repr((self.packages, self.flags)).encode(), digest_size=6)
        for folder in (self.folder, *self.beside_from):
            for file in ("go.mod", "go.sum"):
                digest.update((MODULES / folder / file).read_bytes())
        return cache_directory() / f"{self.folder}-{digest.hexdigest()}"


_LANGUAGE_PYTHON = "pulumi-language-python"


def _pulumi_for_python(_folder: Path, target: Path) -> None:
    """What the CLI looks for beside itself: the language host, and the scripts that start a program and a plugin."""
    folder = MODULES / _LANGUAGE_PYTHON
    package = f"github.com/pulumi/pulumi/sdk/v3/python/cmd/{_LANGUAGE_PYTHON}"
    _go(folder, "build", "-trimpath", "-ldflags=-s -w", "-o", str(target / _LANGUAGE_PYTHON), package)
    module = Path(_go(folder, "list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"))
    for script in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        copy = target / Path(script).name
        copy.write_bytes((module / "python" / script).read_bytes())
        copy.chmod(0o755)  # module archives keep no modes


_KUBERNETES_STAMPS = ("gitVersion=v1.36.3", "gitMajor=1", "gitMinor=36")


def _envoy_bootstrap(folder: Path, target: Path) -> None:
    """The template from which pilot-agent makes Envoy's first configuration."""
    module = Path(_go(folder, "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"))
    (target / "envoy_bootstrap.json").write_bytes((module / "tools/packaging/common/envoy_bootstrap.json").read_bytes())


ETCD = Source("etcd", ("go.etcd.io/etcd/server/v3",), minutes=1)
KUBERNETES = Source(
    "kubernetes",
    tuple(f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kubectl")),
    minutes=5,
    # clients parse the version, and refuse the one of an unstamped build
    flags=("-ldflags=-s -w " + " ".join(f"-X k8s.io/component-base/version.{stamp}" for stamp in _KUBERNETES_STAMPS),),
)
PULUMI = Source(
    "pulumi",
    ("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
    minutes=5,
    flags=(
        "-tags=osusergo,grpcnotrace",
        "-ldflags=-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.250.0",
    ),
    beside=_pulumi_for_python,
    beside_from=(_LANGUAGE_PYTHON,),
)
ISTIO = Source(
    "istio",
    tuple(
        f"istio.io/istio/{path}"
        for path in ("pilot/cmd/pilot-discovery", "pilot/cmd/pilot-agent", "istioctl/cmd/istioctl")
    ),
    minutes=6,
    flags=("-ldflags=-s -w",),
    beside=_envoy_bootstrap,
)
_OLDEST_PULUMI = (3, 250)
_CRDS = "manifests/charts/base/files/crd-all.gen.yaml"


def program(source: Source, name: str) -> Path:
    """The program `name`: on PATH, or built from `source`."""
    found = shutil.which(name)
    return Path(found) if found else built(source) / name


@cache
def built(source: Source) -> Path:
    """The directory with the programs of `source`, which are built if this user has none yet.

    Says so on standard error, since that takes minutes. Raises `ToolError` where it cannot be done.
    """
    with _held(source.directory):
        if not source.directory.exists():
            _build(source)
    return source.directory


def pulumi() -> list[Path]:
    """The directories to be put on PATH for Pulumi's CLI; none if a CLI that will do is there already.

    The language host that can be built is older than the option `virtualenv` of a project: it takes the python3 on
    PATH, so this environment's comes first.
    """
    found = shutil.which("pulumi")
    if found and _version(found) >= _OLDEST_PULUMI:
        return []
    return [built(PULUMI), Path(sys.prefix) / "bin"]


def everything() -> list[Path]:
    """Every program of the sandbox and the mesh; Pulumi's is the one that `pulumi` means on PATH then."""
    names = ("kube-apiserver", "kube-controller-manager", "kubectl")
    path = os.pathsep.join([*map(str, pulumi()), os.environ.get("PATH", "")])
    return [
        program(ETCD, "etcd"),
        *(program(KUBERNETES, name) for name in names),
        Path(str(shutil.which("pulumi", path=path))),
        *(program(ISTIO, name) for name in ("pilot-discovery", "pilot-agent", "istioctl")),
    ]


def istio_crds() -> Path:
    """The file with Istio's CustomResourceDefinitions, from Istio's own module."""
    source = Source("istio", (), minutes=1)
    file = source.directory / "crds.yaml"
    with _held(source.directory):
        if not file.exists():
            folder = MODULES / source.folder
            _say("fetching Istio's schemas")
            _go(folder, "mod", "download", "istio.io/istio")
            module = Path(_go(folder, "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"))
            source.directory.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(".new")
            new.write_bytes((module / _CRDS).read_bytes())
            new.replace(file)
    return file


def istio_definitions(version: str, checksum: str) -> Path:
    """The file with the CustomResourceDefinitions of this version of `istio.io/api`.

    Raises `ToolError` if the module's content is not the one of that checksum.
    """
    file = cache_directory() / f"istio-api-{version}.yaml"
    with _held(file):
        if not file.exists():
            _say(f"fetching Istio's schemas {version}")
            module = json.loads(_go(file.parent, "mod", "download", "-json", f"istio.io/api@{version}"))
            if module["Sum"] != checksum:
                raise ToolError(f"istio.io/api {version} has the checksum '{module['Sum']}'; it should be '{checksum}'")
            new = file.with_suffix(".new")
            new.write_bytes((Path(module["Dir"]) / "kubernetes" / "customresourcedefinitions.gen.yaml").read_bytes())
            new.replace(file)
    return file


def cache_directory() -> Path:
    """Where this user's tools are kept between sandboxes."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mesh-federation"


def _build(source: Source) -> None:
    names = ", ".join(_name(package) for package in source.packages)
    new = source.directory.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    began = time.monotonic()
    _say(f"building {names} from source, once; about {source.minutes} min on two cores")
    with _heartbeat(lambda: f"still building {names}: {time.monotonic() - began:.0f} s"):
        for package in source.packages:
            target = new / _name(package)
            _go(MODULES / source.folder, "build", "-trimpath", *source.flags, "-o", str(target), package)
        if source.beside:
            source.beside(MODULES / source.folder, new)
    new.rename(source.directory)
    _say(f"built {names} in {time.monotonic() - began:.0f} s")


def _name(package: str) -> str:
    """The program's name; the major version at the end of a module path is none."""
    parts = package.split("/")
    return "etcd" if parts[-1] == "v3" else parts[-1]


def _go(folder: Path, *arguments: str) -> str:
    command = shutil.which("go")
    if command is None:
        raise ToolError("go is not on PATH: install Go 1.26 or later, or etcd, kube-apiserver, … and pulumi themselves")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    run = subprocess.run(
        [command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if run.returncode:
        tail = "\n".join(run.stderr.splitlines()[-15:])
        raise ToolError(f"`go {' '.join(arguments)}` failed in {folder.name}:\n{tail}")
    return run.stdout.strip()


def _version(pulumi: str) -> tuple[int, ...]:
    """Major and minor of a CLI; nothing, and so too old, of one that does not say or does not even run."""
    try:
        told = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=True).stdout
    except (subprocess.SubprocessError, OSError):
        return ()
    numbers = re.match(r"v?(\d+)\.(\d+)\.", told.strip())
    return tuple(map(int, numbers.groups())) if numbers else ()


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """Nobody else builds the same at the same time."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _heartbeat(message: Callable[[], str]) -> Iterator[None]:
    done = threading.Event()

    def beat() -> None:
        while not done.wait(_HEARTBEAT_SECONDS):
            _say(message())

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def directories(programs: Sequence[Path]) -> list[Path]:
    """Where these are, each directory once."""
    return list(dict.fromkeys(program.parent for program in programs))
