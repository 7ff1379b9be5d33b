"""README.md keeps its word: every block in it is run, parsed, or compared with what it claims to show."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import pytest
import yaml
from mesh_federation.mesh import cli, outputs
from mesh_federation.mesh.parse import parse
from mesh_federation.mesh.plan import federated_hosts, plan
from mesh_federation.mesh.spec import (
    Addresses,
    Clients,
    Cluster,
    Destination,
    Federation,
    Gateway,
    Istio,
    Presence,
    Rule,
    Service,
    Spec,
)

from sandbox import tools, traffic

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
CORE = ("python -m components.mesh", "mesh-federation")
TRAFFIC = "python -m sandbox.traffic"


class Block(NamedTuple):
    """A fenced block; `line` is where it begins."""

    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.language}, line {self.line}"


def blocks(*languages: str) -> list[Block]:
    fence = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    found = [
        Block(README.count("\n", 0, match.start()) + 1, match[2], textwrap.dedent(match[3]))
        for match in fence.finditer(README)
    ]
    return [block for block in found if not languages or block.language in languages]


def commands() -> list[str]:
    """Every shell command, without comments and redirections; those in running text, too, where they are whole."""
    lines = [line for block in blocks("sh") for line in block.text.splitlines()]
    lines += [line[2:] for block in blocks("console") for line in block.text.splitlines() if line.startswith("$ ")]
    lines += re.findall(r"`((?:make|pulumi) [^`…]+)`", README)
    return [re.sub(r" +[<>] *\S+", "", re.sub(r"(^| +)#.*", "", line)) for line in lines if line.strip()]


def of_program(program: str) -> list[list[str]]:
    """The arguments of every call of `program`, without the environment variables before it."""
    found = []
    for command in commands():
        words = shlex.split(command)
        while words and re.fullmatch(r"[A-Z0-9_]+=.*", words[0]):
            words = words[1:]
        if words[: len(program.split())] == program.split():
            found.append(words[len(program.split()) :])
    return found


def base() -> dict[str, Any]:
    """The first spec, which every fragment changes."""
    return stated(yaml.safe_load(blocks("yaml")[0].text)["config"])


def stated(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("mesh:"): value for key, value in config.items()}


def test_every_block_is_in_a_language_that_a_test_checks() -> None:
    assert blocks(), "no block was found at all"
    assert {block.language for block in blocks()} <= {"yaml", "python", "sh", "console"}
    assert README.count("```") == 2 * len(blocks()), "a fence is left open"


def test_every_command_is_one_that_a_test_checks() -> None:
    known = [program for program in ("make", "pulumi", "kubectl", TRAFFIC, *CORE) for _ in of_program(program)]
    assert len(commands()) == len(known), f"unknown among {commands()}"


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml(block: Block) -> None:
    content = yaml.safe_load(block.text)
    if "config" in content:
        parse(stated(content["config"]))
    elif all(key.startswith("mesh:") for key in content):
        parse({**base(), **stated(content)})
    elif content.keys() == {"caCertificates"}:
        assert content == outputs.trust(parse(base()))["cluster2"]
    else:
        assert content["kind"] == "ClusterRole", "no test knows what this block is"
        assert_covers_every_kind(content)


def assert_covers_every_kind(role: Mapping[str, Any]) -> None:
    federation = parse(base())
    planned = plan(federation, dict.fromkeys(federated_hosts(federation), "240.0.0.1"), "mesh")
    objects = [manifest.object for manifests in planned.manifests.values() for manifest in manifests]
    (rule,) = role["rules"]
    assert {manifest["apiVersion"].partition("/")[0] for manifest in objects} == set(rule["apiGroups"])
    assert {plural(manifest["kind"]) for manifest in objects} == set(rule["resources"])


def plural(kind: str) -> str:
    return re.sub("([^aeiou])y$", r"\1ie", kind.lower()) + "s"


def test_the_first_spec_is_the_demos() -> None:
    demo = yaml.safe_load((REPOSITORY / "stacks/Pulumi.demo.yaml").read_text())["config"]
    assert base() == stated(demo)


def test_the_picture_shows_the_first_spec() -> None:
    (file,) = re.findall(r"!\[[^]]+\]\(([^)]+\.svg)\)", README)
    picture = " ".join(ET.parse(REPOSITORY / file).getroot().itertext())
    federation = parse(base())
    gateway = federation.clusters["cluster2"].gateway
    assert gateway is not None
    assert all(name in picture for name in federation.clusters)
    assert f"{gateway.addresses[0]}:{gateway.port}" in picture
    shares = outputs.traffic(federation)["cluster1"]["reviews.default"]
    for version, share in shares.items():
        assert version.split()[0] in picture
        assert share.replace(".00", "") in picture


ON_MOCKS = """
import asyncio, ipaddress, json, sys
import pulumi
from mesh_federation.mesh.addresses import Ledger, allocate

class Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args):
        state = dict(args.inputs)
        if args.typ.endswith(":AddressPool"):
            state["addresses"] = dict(allocate(state["hosts"], ipaddress.ip_network(state["pool"]), Ledger()).addresses)
        if args.typ == "kubernetes:core/v1:Service":
            state["status"] = {"loadBalancer": {"ingress": [{"ip": "172.18.0.230"}]}}
        made.append(args.name)
        return args.resource_id or args.name, state

    def call(self, args):
        return {}

made, exported = [], {}
pulumi.runtime.set_mocks(Mocks(), project="readme", stack="test", preview=False)
pulumi.export = exported.__setitem__

async def run():
    exec(compile(sys.stdin.read(), "README.md", "exec"), {"__name__": "__main__"})
    await pulumi.runtime.stack.wait_for_rpcs()
    return {name: await output.future() for name, output in exported.items()}

print(json.dumps({"outputs": asyncio.get_event_loop().run_until_complete(run()), "made": made}))
"""


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python(block: Block) -> None:
    run = subprocess.run(
        [sys.executable, "-c", ON_MOCKS], input=block.text, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["outputs"]["traffic"]["cluster1"]["reviews.default"] == {
        "v1 here (cluster1)": "25.00 %",
        "v3 on cluster2": "75.00 %",
    }
    assert "bookinfo/cluster1/VirtualService/default/reviews" in found["made"]


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    used = of_program("make")
    assert used
    for arguments in used:
        assert set(arguments) <= targets


@pytest.mark.parametrize("arguments", [a for program in CORE for a in of_program(program)], ids=" ".join)
def test_commands_of_the_core_are_understood(arguments: list[str]) -> None:
    options = cli._parser().parse_args(arguments)
    for path in options.stack_files:
        assert "*" in str(path) or (REPOSITORY / path).is_file()


@pytest.mark.parametrize("arguments", of_program(TRAFFIC), ids=" ".join)
def test_commands_that_send_requests_are_understood(arguments: list[str]) -> None:
    traffic._parser().parse_args(arguments)


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_console_of_the_core(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands that need nothing but the core print what the README says they print."""
    shown = [text.split("\n", 1) for text in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]]
    shutil.copytree(REPOSITORY / "stacks", tmp_path / "stacks")
    monkeypatch.chdir(tmp_path)
    for command, output in shown:
        program, *arguments = shlex.split(command)
        if program == "pulumi" or command.startswith(TRAFFIC):
            continue  # one has a test of its own below, the other where a mesh is
        assert program == "mesh-federation"
        assert cli.main(arguments) == 0
        assert capsys.readouterr().out == output


def test_the_preview_of_a_weight_edit_says_what_the_outputs_would() -> None:
    (block,) = [block for block in blocks("console") if "pulumi preview" in block.text]
    before = base()
    after = base()
    edits = dict(re.findall(r"~ weight: (\d+) => (\d+)", block.text))
    for destination in after["traffic"][0]["http"][0]["route"]:
        destination["weight"] = int(edits.get(str(destination["weight"]), destination["weight"]))
    assert edits
    old, new = (outputs.traffic(parse(spec))["cluster1"]["reviews.default"] for spec in (before, after))
    text = block.text
    for destination, share in old.items():
        change = f'"{share}" => "{new[destination]}"' if new[destination] != share else f'"{share}"'
        assert re.search(rf"{re.escape(destination)} *: {re.escape(change)}$", text, re.MULTILINE), change


@pytest.mark.engine
@pytest.mark.parametrize("arguments", of_program("pulumi"), ids=" ".join)
def test_pulumi_knows_the_options(arguments: list[str]) -> None:
    path = os.pathsep.join([*map(str, tools.pulumi()), os.environ["PATH"]])
    subcommands = [word for word in arguments if not word.startswith("-")]
    depth = 2 if subcommands[0] in ("config", "stack", "state") else 1
    command = [str(shutil.which("pulumi", path=path)), *subcommands[:depth], "--help"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    usage, _, aliases = run.stdout.partition("Usage:")[2].partition("\nAliases:\n")
    names = re.findall(r"[\w-]+", usage.split("[")[0].split("<")[0] + aliases.partition("\n\n")[0])
    assert set(subcommands[:depth]) <= set(names), "it has no such command"
    known = set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", run.stdout, re.MULTILINE))
    assert {word.partition("=")[0] for word in arguments if word.startswith("--")} <= known


def test_kubectl_lists_what_adopt_asks_for() -> None:
    (listing,) = of_program("kubectl")
    assert "serviceentries,destinationrules,virtualservices,gateways.networking.istio.io" in listing
    assert listing[-3:] == ["-A", "-o", "json"]


REFERENCE = README.partition("\n## Reference\n")[2].partition("\n## ")[0]


TABLES: dict[type[Spec], str] = {
    Federation: "### The spec",
    Cluster: "`clusters.<name>`:",
    Gateway: "`clusters.<name>.gateway`:",
    Service: "`services[]`:",
    Rule: "`traffic[]`:",
    Addresses: "`addresses`:",
}
"""Where the reference describes which part of the spec."""

INSIDE: dict[type[Spec], tuple[str, type[Spec]]] = {
    Istio: ("istio.", Cluster),
    Presence: ("clusters.<name>.", Service),
    Clients: ("clients.", Rule),
    Destination: ("http[].route[].", Rule),
}
"""Parts that another part's table describes, and the prefix of their keys there."""


@pytest.mark.parametrize("model", [*TABLES, *INSIDE], ids=lambda model: str(model.__name__))
def test_every_key_and_default_is_in_the_reference(model: type[Spec]) -> None:
    prefix, home = INSIDE.get(model, ("", model))
    described = rows(TABLES[home])
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = [row for row in described if row.startswith((f"{key}.", f"{key}[]"))]
        assert key in described or inner, f"{key} is not described"
        default = field.default
        if key in described and isinstance(default, int | str):
            text = str(default).lower() if isinstance(default, bool) else str(default)
            assert text in described[key].replace("`", "").replace('"', "").split(" | "), f"{key}: {text}"


@pytest.mark.parametrize("model", TABLES, ids=lambda model: str(model.__name__))
def test_the_reference_describes_nothing_that_does_not_exist(model: type[Spec]) -> None:
    known = {field.alias or name for name, field in model.model_fields.items()}
    for key in rows(TABLES[model]):
        assert re.split(r"[.\[]", key)[0] in known, key


def test_every_output_is_in_the_reference() -> None:
    assert set(rows("### Outputs")) == {"addresses", "hosts", "traffic", "trust"}


def rows(heading: str) -> dict[str, str]:
    """Key → row of the table below `heading`; a row may describe several keys."""
    text = REFERENCE.partition(f"\n{heading}\n")[2].partition("\n|---")[2].partition("\n\n")[0]
    found: dict[str, str] = {}
    for row in text.splitlines()[1:]:
        first = row.split(" | ")[0]
        found |= dict.fromkeys(re.findall(r"`([^`]+)`", first), row)
    return found
