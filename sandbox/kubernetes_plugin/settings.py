"""What a provider resource is configured with: its arguments, then the environment."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """The provider's arguments; `kubeconfig` is content or a path, and secret."""

    kubeconfig: str
    context: str
    cluster: str
    namespace: str
    render_directory: str
    always_render: bool
    patch_force: bool
    delete_unreachable: bool
    skip_update_unreachable: bool
    mutable_config_maps: bool
    mutable_secrets: bool
    requests_per_second: float
    burst: int
    timeout: float | None
    """Seconds for one request; None is the API server's own limit."""

    def __repr__(self) -> str:
        return "Settings(…)"  # a kubeconfig must not come into a log by way of an exception


class SettingsError(ValueError):
    """The provider cannot be configured like this."""


def read(variables: Mapping[str, str]) -> Settings:
    def text(name: str) -> str:
        return variables.get(f"kubernetes:config:{name}", "")

    def flag(name: str, environment: str) -> bool:
        return variables.get(f"kubernetes:config:{name}", os.environ.get(environment, "")) == "true"

    if flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"):
        raise SettingsError("upsertExistingObjects: the stand-in plugin only creates what does not exist")
    if not variables.get("kubernetes:config:enableServerSideApply", "true") == "true":
        raise SettingsError("enableServerSideApply: the stand-in plugin knows no other way to update")
    client = _client_settings(text("kubeClientSettings"))
    return Settings(
        kubeconfig=text("kubeconfig"),
        context=text("context"),
        cluster=text("cluster"),
        namespace=text("namespace"),
        render_directory=text("renderYamlToDirectory"),
        always_render=text("alwaysRender") == "true",
        patch_force=flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
        delete_unreachable=flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
        skip_update_unreachable=flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
        mutable_config_maps=flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
        mutable_secrets=flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
        requests_per_second=client.get("qps", 50.0),
        burst=int(client.get("burst", 120)),
        timeout=client.get("timeout"),
    )


def _client_settings(text: str) -> dict[str, float]:
    try:
        stated = json.loads(text) if text else {}
        fallback = {name: os.environ.get(f"PULUMI_K8S_CLIENT_{name.upper()}") for name in ("qps", "burst", "timeout")}
        values = {**{name: value for name, value in fallback.items() if value}, **stated}
        return {name: float(value) for name, value in values.items() if value is not None}
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError(f"failed to unmarshal kubeClientSettings option: {error}") from error
