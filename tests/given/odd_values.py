"""Stack files that nobody means to write: values that YAML reads as something else, and parts in other places."""

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from hypothesis import strategies as st

from tests.given.scenarios import SCENARIOS, spec_of
from tests.given.specs import Spec, config_of_spec
from tests.given.strategies import specs

# -- values ------------------------------------------------------------------------------------------------------

READABLE = (
    "null", "true", "no", "-1", "0", "1.5", "1e400", ".nan", "-.inf", f"1{'0' * 50}", "0x1F", "1:30", "''", "x", "X Y",
    f"'{'x' * 1000}'", f"'{'a.' * 200}a'", "[]", "{}", "[null]", "[[[]]]", "{x: 1}", "{1: 2}", "{null: x}", "[x, x]",
    "2020-01-01", "2020-01-01T10:00:00Z", "!!binary aGVsbG8=", "!!binary gICA", "!!set {a, b}", "!!omap [a: 1]",
    "!!pairs [a: 1]", "{secure: AAA}", "{secure: [1]}", "{secure: AAA, x: 1}", "[{secure: AAA}]", r'"\0"', r'"a\nb"',
    r'"\uD800"', r'"\x1B[31m"', "'{service}'", "'{service.name}.{namespace}.{cluster}'", "'%s'", "'{'", "ü.example",
    "１.2.3.4", "'10.0.0.1%eth0'", "'::1%1'", "'0:0:0:0:0:0:0:1'", "'::ffff:192.0.2.1'", "127.1", "'2130706433'",
    "{? [a, b] : c}", "!!str 1", "~", "'null'", "&a {x: *b}", "{<<: {x: 1}}", "{a: 1, b: 2}",
)  # fmt: skip
"""As YAML text. Some are not YAML after all, or fit only in some places."""

UNREADABLE = (
    "&loop [*loop]", "&loop {x: *loop}", "*nowhere", "2026-13-01", "2026-01-01T99:00:00Z", f"1{'0' * 5000}",
    f"-0x{'f' * 5000}", "!!int x", "!!int ''", "!!float ''", "!!binary '%'", "!!binary ü", "!!timestamp x",
    "!!python/object/apply:os.getcwd []", "!mine x", "!!set [a]", "!!omap {a: 1}", "{? {a: 1} : 2}", "{? &k [*k] : 2}",
    "{<<: 3}", "{<<: [1]}", "{x: 1, x: 2}", "'", "{", "[", "%", "@", "`", "\t", "a: b: c", "&", f"{'[' * 1000}",
    f"{'{x: ' * 1000}", "!!bool maybe", "!!null x", "0b", "0x", "0o8", "08", "1_", "_", ".", "-", "=", "<<",
    "!!value x", "!!merge x",
    "190:20:30", "1:99999999999999999999:0", "+.inf", "!!str [a]", "!!map [a]", "!!seq {a: 1}",
)  # fmt: skip
"""As YAML text: what its constructor, or its parser, cannot take in most places."""

_KEYS = (
    "1",
    "null",
    "true",
    "2020-01-01",
    "1.5",
    "!!binary aGk=",
    "''",
    "X Y",
    "secure",
    r'"\uD800"',
    "~",
    ".nan",
    "x" * 300,
)
"""Keys as YAML text."""


class StackFile(NamedTuple):
    """A stack file as it is written."""

    content: bytes

    def __repr__(self) -> str:
        return self.content.decode(errors="backslashreplace")


@st.composite
def stack_files(draw: st.DrawFn) -> StackFile:
    """A valid stack file in which a few things are odd."""
    spec = copy.deepcopy(draw(st.one_of(specs(), st.sampled_from(SCENARIOS).map(spec_of))))
    raw: list[str] = []
    for _ in range(draw(st.integers(1, 4))):
        container, key = draw(st.sampled_from(list(places(spec))))
        mutation = draw(st.sampled_from(["value", "value", "value", "key", "move", "copy", "alias", "remove"]))
        if mutation == "value":
            container[key] = _raw(draw(st.sampled_from([*READABLE, *UNREADABLE])), raw)
        elif mutation == "key" and isinstance(container, dict):
            container[_raw(draw(st.sampled_from(_KEYS)), raw)] = container.pop(key)
        elif mutation in {"move", "copy", "alias"}:
            other, there = draw(st.sampled_from(list(places(spec))))
            value = container[key]
            if mutation == "move":
                container.pop(key)
                other = other if _holds(other, there) else spec
                there = there if _holds(other, there) else "services"
            # an alias may lead back to what holds it
            other[there] = value if mutation == "alias" else copy.deepcopy(value)
        elif mutation == "remove":
            container.pop(key)
        if not spec:
            break
    text = as_text(spec, raw)
    if draw(st.integers(0, 9)) == 0:
        position = draw(st.integers(0, len(text)))
        junk = draw(
            st.sampled_from([b"\xff", b"\x00", b"\xc3", b"\xef\xbb\xbf", b"\t", b"\x1b", b"\xe2\x80\xa8", b": ", b"- "])
        )
        content = text.encode(errors="surrogatepass")
        return StackFile(content[:position] + junk + content[position:])
    return StackFile(text.encode(errors="surrogatepass"))


def as_text(spec: Spec, raw: list[str]) -> str:
    """The stack file of a spec, in which `raw<n>` stands for the text `raw[n]`."""
    text = yaml.safe_dump({"config": config_of_spec(spec)}, sort_keys=False, default_flow_style=True, width=10**6)
    for number, piece in enumerate(raw):
        text = text.replace(f"raw<{number}>", piece)
    return text


def places(value: Any, above: tuple[int, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """(container, key or index) of everything in a spec."""
    if id(value) in above:
        return
    for key in list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []:
        yield value, key
        yield from places(value[key], (*above, id(value)))


def _raw(text: str, raw: list[str]) -> str:
    raw.append(text)
    return f"raw<{len(raw) - 1}>"


def _holds(container: Any, key: Any) -> bool:
    return key in container if isinstance(container, dict) else key < len(container)
