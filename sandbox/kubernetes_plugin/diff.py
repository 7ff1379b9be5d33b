"""What an update would change, property by property, in the words of Pulumi's detailed diff."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .force_new import forces_replacement
from .values import UNKNOWN, Properties

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """`kind` is a member of the protocol's PropertyDiff.Kind."""

    kind: str
    input_diff: bool = False

    @property
    def replaces(self) -> bool:
        return self.kind.endswith("_REPLACE")


def detailed_diff(old: Properties, new: Properties, immutable: Sequence[str]) -> dict[str, Change]:
    """From `old`, the live object in the shape of the last inputs, to `new`."""
    changes: dict[str, Change] = {}
    for path, change, value in _walk((), old, new):
        replace = "_REPLACE" if forces_replacement(immutable, path, value) else ""
        changes[_spell(path)] = Change(change + replace, input_diff=change == "DELETE")
    return changes


def _walk(path: Path, old: Any, new: Any) -> Iterator[tuple[Path, str, Any]]:
    """Every difference with its new value; what is there on one side only is one difference, however large."""
    match old, new:
        case dict(), dict():
            for key in sorted(old.keys() | new.keys()):
                yield from _walk_member((*path, key), _member(old, key), _member(new, key))
        case list(), list():
            for index in range(max(len(old), len(new))):
                yield from _walk_member((*path, index), _item(old, index), _item(new, index))
        case _:
            if not _equal(old, new):
                yield path, "UPDATE", new


class _Missing:
    """Not the same as null: a field may be null in the inputs."""


_MISSING = _Missing()


def _member(obj: Properties, key: str) -> Any:
    return obj.get(key, _MISSING)


def _item(items: Sequence[Any], index: int) -> Any:
    return items[index] if index < len(items) else _MISSING


def _walk_member(path: Path, old: Any, new: Any) -> Iterator[tuple[Path, str, Any]]:
    if new is UNKNOWN:
        yield path, "ADD" if old is _MISSING else "UPDATE", new
    elif new is _MISSING or new is None:
        if old is not None:
            yield path, "DELETE", None
    elif old is _MISSING:
        yield path, "ADD", new
    else:
        yield from _walk(path, old, new)


def _equal(old: Any, new: Any) -> bool:
    """As JSON compares: 1 is 1.0, but not true."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return bool(old == new)


def _spell(path: Path) -> str:
    spelled = ""
    for step in path:
        if isinstance(step, int):
            spelled += f"[{step}]"
        elif any(mark in step for mark in '."[]'):
            escaped = step.replace('"', '\\"')
            spelled += f'["{escaped}"]'
        else:
            spelled += f".{step}" if spelled else step
    return spelled
