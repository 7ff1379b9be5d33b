"""The programs that a sandbox runs: those on PATH, else built from their Go modules, once for each user and version."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path

from . import go, progress, store

MODULES = Path(__file__).parent / "tools"


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
            ours = sorted(path.name for path in (MODULES / folder).glob("*.go"))
            for file in ("go.mod", "go.sum", *ours):
                digest.update((MODULES / folder / file).read_bytes())
        return store.directory() / f"{self.folder}-{digest.hexdigest()}"


_LANGUAGE_PYTHON = "pulumi-language-python"


def _pulumi_for_python(_folder: Path, target: Path) -> None:
    """What the CLI looks for beside itself: the language host, and the scripts that start a program and a plugin."""
    folder = MODULES / _LANGUAGE_PYTHON
    package = f"github.com/pulumi/pulumi/sdk/v3/python/cmd/{_LANGUAGE_PYTHON}"
    go.run(folder, "build", "-trimpath", "-ldflags=-s -w", "-o", str(target / _LANGUAGE_PYTHON), package)
    module = Path(go.run(folder, "list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"))
    for script in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        copy = target / Path(script).name
        copy.write_bytes((module / "python" / script).read_bytes())
        copy.chmod(0o755)  # module archives keep no modes


_KUBERNETES_STAMPS = ("gitVersion=v1.36.3", "gitMajor=1", "gitMinor=36")


def _envoy_bootstrap(folder: Path, target: Path) -> None:
    """The template from which pilot-agent makes Envoy's first configuration."""
    module = Path(go.run(folder, "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"))
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
ISTIOD_CONFIGURATION = Source(
    "istiod-configuration", ("mesh.invalid/sandbox/istiod-configuration",), minutes=4, flags=("-ldflags=-s -w",)
)
_OLDEST_PULUMI = (3, 250)
_CRDS = "manifests/charts/base/files/crd-all.gen.yaml"


def program(source: Source, name: str) -> Path:
    """The program `name`: on PATH, or built from `source`."""
    on_path = shutil.which(name)
    return Path(on_path) if on_path else built(source) / name


@cache
def built(source: Source) -> Path:
    """The directory with the programs of `source`, which are built if this user has none yet.

    Says so on standard error, since that takes minutes. Raises `ToolError` where it cannot be done.
    """
    return store.filled(source.directory, lambda target: _build(source, target))


def pulumi() -> list[Path]:
    """The directories to be put on PATH for Pulumi's CLI; none if a CLI that will do is there already.

    The language host that can be built is older than the option `virtualenv` of a project: it takes the python3 on
    PATH, so this environment's comes first.
    """
    on_path = shutil.which("pulumi")
    if on_path and _version(on_path) >= _OLDEST_PULUMI:
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
        program(ISTIOD_CONFIGURATION, "istiod-configuration"),
    ]


def istio_crds() -> Path:
    """The file with Istio's CustomResourceDefinitions, from Istio's own module."""
    return store.filled(Source("istio", (), minutes=1).directory, _fetch_crds) / "crds.yaml"


def _fetch_crds(target: Path) -> None:
    folder = MODULES / "istio"
    progress.say("fetching Istio's schemas")
    go.run(folder, "mod", "download", "istio.io/istio")
    module = Path(go.run(folder, "list", "-m", "-f", "{{.Dir}}", "istio.io/istio"))
    (target / "crds.yaml").write_bytes((module / _CRDS).read_bytes())


def istio_definitions(version: str, checksum: str) -> Path:
    """The file with the CustomResourceDefinitions of this version of `istio.io/api`.

    Raises `ToolError` if the module's content is not the one of that checksum.
    """
    target = store.directory() / f"istio-api-{version}"
    return store.filled(target, partial(_fetch_definitions, version, checksum)) / "crds.yaml"


def _fetch_definitions(version: str, checksum: str, target: Path) -> None:
    progress.say(f"fetching Istio's schemas {version}")
    module = json.loads(go.run(target, "mod", "download", "-json", f"istio.io/api@{version}"))
    if module["Sum"] != checksum:
        raise go.ToolError(f"istio.io/api {version} has the checksum '{module['Sum']}'; it should be '{checksum}'")
    definitions = Path(module["Dir"]) / "kubernetes" / "customresourcedefinitions.gen.yaml"
    (target / "crds.yaml").write_bytes(definitions.read_bytes())


def _build(source: Source, target: Path) -> None:
    names = ", ".join(_name(package) for package in source.packages)
    folder = MODULES / source.folder
    began = time.monotonic()
    progress.say(f"building {names} from source, once; about {source.minutes} min on two cores")
    with progress.heartbeat(lambda: f"still building {names}: {time.monotonic() - began:.0f} s"):
        for package in source.packages:
            program = str(target / _name(package))
            go.run(folder, "build", "-trimpath", *source.flags, "-o", program, package)
        if source.beside:
            source.beside(folder, target)
    progress.say(f"built {names} in {time.monotonic() - began:.0f} s")


def _name(package: str) -> str:
    """The program's name; the major version at the end of a module path is none."""
    parts = package.split("/")
    return "etcd" if parts[-1] == "v3" else parts[-1]


def _version(pulumi: str) -> tuple[int, ...]:
    """Major and minor of a CLI; nothing, and so too old, of one that does not say or does not even run."""
    try:
        answer = subprocess.run([pulumi, "version"], capture_output=True, text=True, check=True).stdout
    except (subprocess.SubprocessError, OSError):
        return ()
    numbers = re.match(r"v?(\d+)\.(\d+)\.", answer.strip())
    return tuple(map(int, numbers.groups())) if numbers else ()


def directories(programs: Sequence[Path]) -> list[Path]:
    """Where these are, each directory once."""
    return list(dict.fromkeys(program.parent for program in programs))
