"""A stack's configuration file as the pure core sees it, and what may not stand in it."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import yaml

from .errors import Path as Place
from .errors import Problem, SpecError
from .unknown import Encrypted
from .wording import shown, step_of

PREFIX = "mesh:"
MOST_VALUES = 1_000_000
"""Some nine times what 1,000 services on 20 clusters take, two entries each."""


class NotAStackFileError(SpecError):
    """A file that is no stack file; `line`, from 1, is where that shows."""

    def __init__(self, path: Path, message: str, line: int = 1) -> None:
        super().__init__([Problem((str(path),), "not-a-stack-file", message)])
        self.line = line


def read(path: Path) -> dict[str, Any]:
    """What the file says under `mesh:`, with `Encrypted` in the place of encrypted values.

    Raises `NotAStackFileError` if it is not a stack file; `OSError` if it cannot be read.
    """
    content = _content(path)
    config = content.get("config") if isinstance(content, Mapping) else None
    if not isinstance(config, Mapping):
        raise NotAStackFileError(path, "has no `config`; it should be a Pulumi stack file")
    data = {key.removeprefix(PREFIX): value for key, value in config.items() if str(key).startswith(PREFIX)}
    if not data and isinstance(config.get("mesh"), Mapping):
        raise NotAStackFileError(
            path, "has a map `mesh`; write its keys as `mesh:clusters:`, `mesh:services:` and so on"
        )
    plain: dict[str, Any] = _with_encrypted(data)
    return plain


def _content(path: Path) -> Any:
    try:
        content = yaml.load(path.read_text(), _Loader)  # noqa: S506 -- a safe one
        if _size(content, frozenset(), {}) > MOST_VALUES:
            raise NotAStackFileError(path, f"stands for more than {MOST_VALUES:,} values, for aliases repeat its parts")
    except yaml.YAMLError as error:
        raise NotAStackFileError(path, f"is not YAML; {_words_of(error)}", _line_of(error)) from None
    except RecursionError:
        raise NotAStackFileError(path, "is nested too deeply, or an alias leads back to itself") from None
    except UnicodeDecodeError as error:
        raise NotAStackFileError(path, f"is not text in UTF-8; byte {error.start + 1} cannot be read") from None
    return content


def _words_of(error: yaml.YAMLError) -> str:
    """Without the line itself, in which a secret may stand."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


def _line_of(error: yaml.YAMLError) -> int:
    return error.problem_mark.line + 1 if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark else 1


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, as Pulumi does: the first would be lost without a word."""

    # Python's sets have no order
    yaml_constructors: ClassVar = {
        **yaml.SafeLoader.yaml_constructors,
        "tag:yaml.org,2002:set": yaml.SafeLoader.construct_yaml_map,
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        stated: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if key.value in stated and key.value != "<<":
                    raise yaml.constructor.ConstructorError(
                        None, None, f"{key.value!r} is stated twice", key.start_mark
                    )
                stated.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        """PyYAML's own constructors fail in many ways: a date such as 2026-13-01, `!!int x`, `!!bool maybe`."""
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(
                None, None, f"{shown(node.value)} is not of YAML's type {kind}", node.start_mark
            ) from None


def _size(value: Any, above: frozenset[int], sizes: dict[int, int]) -> int:
    """How many values it is with its aliases written out. Raises `RecursionError` where one leads back to itself."""
    if not isinstance(value, Mapping | list | tuple):
        return 1
    own = id(value)
    if own in above:
        raise RecursionError
    if own not in sizes:
        items = value.values() if isinstance(value, Mapping) else value
        sizes[own] = 1 + sum(_size(item, above | {own}, sizes) for item in items)
    return sizes[own]


def plain_kubeconfigs(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Kubeconfigs that anybody can read: Pulumi copies the stack file into the stack's history, too."""
    for name, cluster in _clusters(data):
        if _holds_kubeconfig(cluster.get("kubeconfig")):
            yield Problem(
                ("clusters", name, "kubeconfig"),
                "plain-kubeconfig",
                "stands in plain text; take it out of the file and encrypt it: "
                f"pulumi config set --path --secret 'mesh:clusters.{name}.kubeconfig' < KUBECONFIG",
            )


def providers(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Text cannot be a provider, and one that it names would lead to whatever kubeconfig is at hand."""
    for name, cluster in _clusters(data):
        if "provider" in cluster:
            message = "'provider' is for programs; a stack file has context, kubeconfig or renderTo"
            yield Problem(("clusters", name, "provider"), "provider-in-a-stack-file", message)


def _clusters(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    clusters = data.get("clusters")
    for name, cluster in clusters.items() if isinstance(clusters, Mapping) else ():
        if isinstance(cluster, Mapping):
            yield step_of(name), cluster


def _holds_kubeconfig(value: Any) -> bool:
    """Whether it is the content of a kubeconfig: not encrypted, and not merely the path of a file."""
    if isinstance(value, Mapping):
        return not _is_secure(value)
    return isinstance(value, str) and is_kubeconfig(value)


def is_kubeconfig(text: str) -> bool:
    """Whether `text` is the content of a kubeconfig, and not the path of a file."""
    return "\n" in text or text.lstrip().startswith("{")


def _is_secure(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"secure"} and isinstance(value["secure"], str)


def _with_encrypted(value: Any) -> Any:
    if _is_secure(value):
        return Encrypted()
    if isinstance(value, Mapping):
        return {key: _with_encrypted(item) for key, item in value.items()}
    return [_with_encrypted(item) for item in value] if isinstance(value, list) else value


def line_of(place: Place, text: str) -> int:
    """The line, from 1, on which `place` stands in a stack file's text; of its nearest parent where it is missing."""
    node, line = _composed(text), 1
    steps = iter(("config", f"{PREFIX}{place[0]}", *place[1:]) if place else ())
    for step in steps:
        child = _child(node, step)
        if child is None:
            break
        line, node = child
    return line


@lru_cache(maxsize=1)  # a file has many problems as a rule
def _composed(text: str) -> Any:
    return yaml.compose(text, yaml.SafeLoader)


_WORDS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value")
"""Tags of keys that mean what is written; the last two are `<<` and `=`."""


def _child(node: Any, step: str | int) -> tuple[int, Any] | None:
    """The line where a step of a path begins, and what stands there."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if _key(key) == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    return None


def _key(node: Any) -> str:
    """A key as paths spell it: `no` is false."""
    if node.tag in _WORDS:
        return step_of(node.value)
    return step_of(_Loader("").construct_object(node, deep=True))
