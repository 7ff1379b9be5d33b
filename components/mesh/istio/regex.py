"""Whether a regular expression is one for RE2, Istio's dialect; and what fits it, where Python has the same rules."""

import re

from .unicode_classes import UNICODE_CLASSES
from .values import nearest

_SYNTAX = "https://github.com/google/re2/wiki/Syntax"
LONGEST = 1024
"""In bytes; istiod refuses longer ones."""

_MOST_REPEATS = 1000
_REPEAT = re.compile(r"\{(?P<least>0|[1-9][0-9]*)(?P<range>,(?P<most>0|[1-9][0-9]*)?)?\}")
_GROUP = re.compile(r"\?(?:P?<(?P<name>[A-Za-z0-9_]+)>|(?P<flags>[imsU]*(?:-[imsU]+)?)(?P<end>[:)]))")
_ESCAPE = re.compile(
    r"""\\(?:
        [AbBz] | [dswDSW] | [afnrtv]
        | [pP](?:[CLMNPSZ] | \{\^?(?P<unicode>[A-Za-z_]+)\})
        | x[0-9A-Fa-f]{2} | x\{0*(?:10|[0-9A-Fa-f])?[0-9A-Fa-f]{1,4}\}
        | 0[0-7]{0,2} | [1-7][0-7]{1,2}
        | [!-/:-@\[-`{-~\x00-\x20\x7f]
    )""",
    re.VERBOSE,
)
_CLASS_ESCAPE = re.compile(_ESCAPE.pattern.replace("[AbBz] | ", ""), re.VERBOSE)
_POSIX = re.compile(r"\[:\^?(?P<name>.*?):\]", re.DOTALL)
_POSIX_NAMES = (
    *("alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph"),
    *("lower", "print", "punct", "space", "upper", "word", "xdigit"),
)
_SETS = ("d", "D", "s", "S", "w", "W", "p", "P")

_LIKE_PYTHONS = re.compile(
    r"""(?:
        [^\\[{(*+?]
        | \\(?:[dDwW] | [!-/:-@\[-`{-~])
        | \[\^?\]?(?:(?!--|&&|~~|\|\|)[^\\\[\]] | \\(?:[dDwW] | [!-/:-@\[-`{-~]))*\]
        | \((?:\?:)?(?!\?)
        | (?<!\))(?:[*+?] | \{[0-9]+(?:,[0-9]*)?\})
        | (?<=\))\?
    )*""",
    re.VERBOSE,
)
"""What means the same to Python. Groups that are repeated are left out: Python may take for ever."""
_MOST_TRIES = 4
_LONGEST_TEXT = 128


class _FlawError(ValueError):
    """Says what is wrong with the expression."""


def flaw(pattern: str) -> str | None:
    """What is wrong with it, as the end of a sentence; nothing if RE2 takes it."""
    if len(pattern.encode()) > LONGEST:
        return f"has {len(pattern.encode())} bytes; at most {LONGEST} are right"
    try:
        _Reader(pattern).read()
    except _FlawError as error:
        return str(error)
    return None


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text provably fits the expression, as Envoy asks for. "No" may mean that nobody can tell."""
    repetitions = sum(pattern.count(character) for character in "*+?{")
    if not (pattern.isascii() and text.isascii() and text.isprintable()) or flaw(pattern):
        return False
    if repetitions > _MOST_TRIES or len(text) > _LONGEST_TEXT or not _LIKE_PYTHONS.fullmatch(pattern):
        return False
    try:
        return re.fullmatch(pattern, text, re.ASCII) is not None
    except re.error:  # such as `[\w-z]`, where RE2 takes the hyphen for itself
        return False


def missing_group(pattern: str, rewrite: str) -> str | None:
    """A group that a rewrite names, as `\\2`, and that the expression does not have; nothing if it has all of them."""
    reader = _Reader(pattern)
    try:
        reader.read()
    except _FlawError:
        return None
    named = re.findall(r"\\([0-9\\])", rewrite)
    return next((f"\\{group}" for group in named if group != "\\" and int(group) > reader.groups), None)


def beginning(pattern: str) -> str:
    """With what each text that fits the expression begins, as far as that can be told."""
    literal = re.match(r"[^\\.^$*+?()\[\]{}|]*", pattern)
    prefix = literal[0] if literal and "|" not in pattern else ""
    # what is repeated may be missing
    return prefix[:-1] if pattern[len(prefix) : len(prefix) + 1] in tuple("*+?{") else prefix


def goes_on_anyhow(pattern: str) -> bool:
    """Whether a text that fits the expression also fits with anything behind it."""
    return pattern.endswith(".*") and not pattern.endswith("\\.*") and "|" not in pattern


class _Reader:
    """Reads an expression once, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._names: set[str] = set()
        self.groups = 0
        """Those that a rewrite may name."""

    def read(self) -> None:
        self._alternatives()
        if self._at < len(self._pattern):
            raise _FlawError("has a `)` that closes nothing; write `\\)` for the character")

    def _alternatives(self) -> int:
        """Read up to the end of the group; answers how often a part of it is repeated at most."""
        repeats = [1]
        last: int | None = None
        while self._at < len(self._pattern):
            character = self._pattern[self._at]
            if character == ")":
                break
            if character == "|":
                self._at += 1
                last = None
            elif (count := self._repetition()) is not None:
                last = self._repeated(last, count)
                repeats.append(last)
            else:
                last = self._part(character) or last
                repeats.append(last or 1)
        return max(repeats)

    def _repetition(self) -> int | None:
        """How often at most a repetition that begins here repeats; nothing if there is none."""
        if self._pattern[self._at] in "*+?":
            self._at += 1
            return 1
        bounds = _REPEAT.match(self._pattern, self._at)
        if not bounds:
            return None
        self._at = bounds.end()
        least, most = int(bounds["least"]), int(bounds["most"] or bounds["least"])
        if most > _MOST_REPEATS or least > most:
            raise _FlawError(f"repeats `{bounds[0]}`; at most {_MOST_REPEATS} times is right")
        return max(most, 1)

    def _repeated(self, last: int | None, count: int) -> int:
        if last is None:
            raise _FlawError("repeats nothing; state what before `*`, `+`, `?` or `{`")
        if last * count > _MOST_REPEATS:
            raise _FlawError(f"repeats a repetition too often; at most {_MOST_REPEATS} times is right")
        if self._pattern.startswith("?", self._at):
            self._at += 1
        if self._at < len(self._pattern) and self._starts_repetition():
            raise _FlawError("repeats a repetition; use a group `(?:…)`")
        return last * count

    def _starts_repetition(self) -> bool:
        return self._pattern[self._at] in "*+?" or bool(_REPEAT.match(self._pattern, self._at))

    def _part(self, character: str) -> int | None:
        """Read what can be repeated; nothing for flags and empty quotes, which leave that to what is before them."""
        if character == "(":
            return self._group()
        if character == "[":
            self._class()
            return 1
        if self._pattern.startswith(r"\Q", self._at):
            return self._quoted()
        if character == "\\":
            self._escape(_ESCAPE)
            return 1
        self._at += 1
        return 1

    def _quoted(self) -> int | None:
        """`\\Q…\\E`: the characters as they are."""
        end = self._pattern.find(r"\E", self._at)
        length = (end if end >= 0 else len(self._pattern)) - self._at - 2
        self._at = end + 2 if end >= 0 else len(self._pattern)
        return 1 if length else None

    def _group(self) -> int | None:
        self._at += 1
        is_plain = not self._pattern.startswith("?", self._at)
        if not is_plain:
            group = _GROUP.match(self._pattern, self._at)
            if not group:
                raise _FlawError(f"has `({self._pattern[self._at : self._at + 2]}`, which RE2 lacks; see {_SYNTAX}")
            self._at = group.end()
            if name := group["name"]:
                if name in self._names:
                    raise _FlawError(f"has two groups `{name}`; each needs a name of its own")
                self._names.add(name)
                self.groups += 1
            if group["end"] == ")":
                return None
        self.groups += is_plain
        repeats = self._alternatives()
        if not self._pattern.startswith(")", self._at):
            raise _FlawError("has a `(` that nothing closes; write `\\(` for the character")
        self._at += 1
        return repeats

    def _escape(self, known: re.Pattern[str]) -> None:
        escape = known.match(self._pattern, self._at)
        if not escape:
            raise _FlawError(f"has `{self._pattern[self._at : self._at + 2]}`, which RE2 lacks; see {_SYNTAX}")
        if (name := escape["unicode"]) and name not in UNICODE_CLASSES:
            hint = nearest(name, sorted(UNICODE_CLASSES)) or f"see {_SYNTAX}"
            raise _FlawError(f"has the class `{escape[0]}`, which RE2 lacks; {hint.rstrip()}")
        self._at = escape.end()

    def _class(self) -> None:
        begin = self._at
        self._at += 2 if self._pattern.startswith("^", begin + 1) else 1
        first = self._at
        while self._at == first or not self._pattern.startswith("]", self._at):
            if self._at >= len(self._pattern):
                raise _FlawError("has a `[` that nothing closes; write `\\[` for the character")
            self._range()
        self._at += 1

    def _range(self) -> None:
        posix = _POSIX.match(self._pattern, self._at)
        if posix:
            if posix["name"] not in _POSIX_NAMES:
                raise _FlawError(f"has the class `{posix[0]}`, which RE2 lacks; see {_SYNTAX}")
            self._at = posix.end()
            return
        low = self._class_character()
        if low and self._pattern.startswith("-", self._at) and not self._pattern.startswith("-]", self._at):
            self._at += 1
            high = self._class_character()
            if high is None or _code(high) < _code(low):
                raise _FlawError(f"has the range `{low}-{high or ''}`; the first character comes first")

    def _class_character(self) -> str | None:
        """One character as it is written; nothing for a set such as `\\d`."""
        if self._at >= len(self._pattern):
            raise _FlawError("has a `[` that nothing closes; write `\\[` for the character")
        begin = self._at
        if self._pattern[begin] != "\\":
            self._at += 1
            return self._pattern[begin]
        self._escape(_CLASS_ESCAPE)
        character = self._pattern[begin : self._at]
        return None if character[1] in _SETS else character


def _code(character: str) -> int:
    """The code point of a character of a class as it is written."""
    if len(character) == 1:
        return ord(character)
    named = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
    if character[1] == "x":
        return int(character[2:].strip("{}"), 16)
    if character[1].isdigit():
        return int(character[1:], 8)
    return named.get(character[1], ord(character[1]))
