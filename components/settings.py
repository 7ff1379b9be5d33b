"""Stack configuration as arguments for `MeshFederation`: its only reader, and the only maker of providers."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pulumi
import yaml
from pulumi.runtime.config import CONFIG
from pulumi_kubernetes import Provider

from .args import Configuration, FederationArgs, StackArgs
from .mesh import stack_file
from .mesh.errors import Problem, SpecError
from .mesh.reach import Reach, split_by_keys
from .mesh.read import read_stack
from .mesh.spec.cluster import Cluster

_CLUSTERS = f"{stack_file.PREFIX}clusters"


def read() -> FederationArgs:
    """The configuration of the running stack, with a provider for each of its clusters.

    Raises `pulumi.RunError` with everything that is wrong with it, before a provider is made.
    """
    data = _data()
    try:
        federation, warnings, reach = read_stack(data, (*_plain_kubeconfigs(data), *stack_file.providers(data)))
    except SpecError as error:
        raise pulumi.RunError(f"the configuration of stack {pulumi.get_stack()} has problems:\n{error}") from None
    for warning in warnings:
        pulumi.log.warn(str(warning))
    providers = {name: _provider(name, reach[name], cluster) for name, cluster in federation.clusters.items()}
    rendered = frozenset(name for name in providers if reach[name].render_to is not None)
    configuration = Configuration(federation, providers, rendered)
    args = StackArgs(_args(data, providers), _args(_data(), providers), configuration)
    return cast(FederationArgs, args)


def _data() -> dict[str, Any]:
    return {
        key.removeprefix(stack_file.PREFIX): _plain(value)
        for key, value in _configuration().items()
        if key.startswith(stack_file.PREFIX)
    }


def _configuration() -> dict[str, Any]:
    """The CLI's own language host states it in the environment, and the Automation API to the SDK alone."""
    return {**pulumi.runtime.get_config_env(), **CONFIG.get()}


def _args(data: Mapping[str, Any], providers: Mapping[str, Provider]) -> dict[str, Any]:
    """What a program would state; `renderTo` stays, for nothing waits where objects are only rendered."""
    beyond, _ = split_by_keys(data, _OF_PROVIDERS)
    clusters = {name: {**beyond["clusters"][name], "provider": provider} for name, provider in providers.items()}
    return {**beyond, "clusters": clusters}


_OF_PROVIDERS = ("context", "kubeconfig", "identity")


def _plain(value: Any) -> Any:
    """The engine hands structured values over as JSON, and scalars as they are written."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _provider(name: str, reach: Reach, cluster: Cluster) -> Provider:
    """`cluster_identifier` keeps a new kubeconfig from replacing everything; force repairs what others edited.

    Another identifier replaces everything, and deletes first: where the old identity's context or kubeconfig leads to
    the new cluster already, a later delete would remove what has just been made there.
    """
    with _kubeconfig_variable_hidden():
        return Provider(
            name,
            kubeconfig=None if reach.kubeconfig is None else pulumi.Output.secret(_text(reach.kubeconfig)),
            context=reach.context,
            render_yaml_to_directory=reach.render_to,
            cluster_identifier=reach.identity or name,
            enable_patch_force=True,
            # or an environment variable decides
            upsert_existing_objects=False,
            # what a retired cluster holds is forgotten where nobody answers there any more
            delete_unreachable=True if cluster.state == "retired" else None,
            opts=pulumi.ResourceOptions(delete_before_replace=True),
        )


@contextmanager
def _kubeconfig_variable_hidden() -> Iterator[None]:
    """The plugin reads KUBECONFIG itself; the SDK would put this machine's path into state, and fails on a list."""
    value = os.environ.pop("KUBECONFIG", None)
    try:
        yield
    finally:
        if value is not None:
            os.environ["KUBECONFIG"] = value


def _text(kubeconfig: Any) -> str:
    return kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig)


def _plain_kubeconfigs(data: Mapping[str, Any]) -> Iterator[Problem]:
    """The engine says only whether a key holds any secret at all; the stack's file says which values are."""
    if not pulumi.runtime.is_config_secret(_CLUSTERS):
        yield from stack_file.plain_kubeconfigs(data)
        return
    file = _stack_file()
    if file and file.is_file():
        config = (yaml.safe_load(file.read_text()) or {}).get("config") or {}
        yield from stack_file.plain_kubeconfigs({"clusters": config.get(_CLUSTERS)})


def _stack_file() -> Path | None:
    """Where the project has it; None for an inline program of the Automation API, which runs anywhere."""
    # not every language host says where the project is; the program runs there
    root = Path(pulumi.get_root_directory() or Path.cwd())
    file = root / "Pulumi.yaml"
    if not file.is_file():
        return None
    project: dict[str, str] = yaml.safe_load(file.read_text()) or {}
    if project.get("name") != pulumi.get_project():
        return None
    return root / project.get("stackConfigDir", ".") / f"Pulumi.{pulumi.get_stack()}.yaml"
