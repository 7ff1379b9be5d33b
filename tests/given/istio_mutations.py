"""Valid objects of which one place holds something else: another word for it, a value of another type, or nothing."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.given.istio_objects import Object, valid
from tests.given.istio_words import KEYS, MAP_VALUES, WORDS

Steps = tuple[Any, ...]

_ANYTHING = [5, "a", True, None, [], {}, "", [None], "5", -1, 1.5, "5s", "0s", "1.5ms"]
_OBJECTS = valid()


def mutations(release: str) -> st.SearchStrategy[Object]:
    """Each of an object of the valid corpus that this release takes."""
    objects = [document.object for document in _OBJECTS if release in document.releases]
    choices = [(manifest, place) for manifest in objects for place in places(manifest["spec"])]
    return st.sampled_from(choices).flatmap(lambda chosen: st.sampled_from(list(_changes(*chosen))))


def places(value: Any, place: Steps = ()) -> Iterator[Steps]:
    """Every place below `value`, from the top."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield (*place, step)
        yield from places(item, (*place, step))


def _changes(manifest: Object, place: Steps) -> Iterator[Object]:
    value = _at(manifest["spec"], place)
    names = [step for step in reversed(place) if isinstance(step, str)]
    for word in [*_ANYTHING, *WORDS.get(names[0], []), *MAP_VALUES.get(names[1] if len(names) > 1 else "", [])]:
        copy, part = _copy(manifest, place[:-1])
        part[place[-1]] = deepcopy(word)
        yield copy
    copy, part = _copy(manifest, place[:-1])
    del part[place[-1]]
    yield copy
    if isinstance(value, list) and value:
        copy, part = _copy(manifest, place)
        part.append(deepcopy(part[0]))
        yield copy
    for key in KEYS.get(names[0], []) if isinstance(value, dict) and value else ():
        copy, part = _copy(manifest, place)
        part[key] = part.popitem()[1]
        yield copy


def _copy(manifest: Object, place: Steps) -> tuple[Object, Any]:
    """A copy of the object, and the part of it at a place of its spec."""
    copy = deepcopy(manifest)
    return copy, _at(copy["spec"], place)


def _at(value: Any, place: Steps) -> Any:
    for step in place:
        value = value[step]
    return value
