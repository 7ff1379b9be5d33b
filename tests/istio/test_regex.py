"""Which regular expressions RE2 takes, and that a flaw says what is wrong."""

import pytest
from mesh_federation.mesh.istio import regex
from mesh_federation.mesh.istio.regex import fits, flaw

RIGHT = [
    *("", "a.*", "(?i)jason|ann", "^v[0-9]+$", "(?P<name>a)(?<other>b)", "(?i:a)(?s-m:b)", "(a|b|)*", "a||b", "^*"),
    *(
        r"\d+\.\d+",
        r"\pL\p{Greek}[\P{^Lu}]",
        r"\x41\x{10FFFF}\012",
        r"\Qa*b\E+",
        r"\_\-\/",
        r"\Aa\b\z",
        "a{2,5}?",
        "a{,5}",
        "{",
    ),
    *("[[:alpha:]]+", "[^]]", "[]a]", "[a-]", "[-a]", r"[\w-a]", "a{1000}", "(?:a{10}){100}", "a" * 1024),
]
WRONG = {
    "(a": "closes",
    "a)": "closes nothing",
    "[a": "closes",
    "[a-": "closes",
    "*a": "repeats nothing",
    "|*": "repeats nothing",
    "(?i)*": "repeats nothing",
    "a**": "repeats a repetition",
    "a*+": "repeats a repetition",
    "a{2}{3}": "repeats a repetition",
    "a{1001}": "at most 1000",
    "a{5,2}": "at most 1000",
    "(a{100}){100}": "at most 1000",
    "(?=a)": "RE2 lacks",
    "(?<!a)b": "RE2 lacks",
    "(?>a)": "RE2 lacks",
    r"(a)\1": "RE2 lacks",
    r"\Z": "RE2 lacks",
    r"[\b]": "RE2 lacks",
    "[[:letter:]]": "RE2 lacks",
    r"\p{Foo}": r"has the class `\p{Foo}`, which RE2 lacks; see https",
    r"[\P{^greek}]": "did you mean 'Greek'?",
    r"\p{Letter}": "RE2 lacks",
    "\\": "RE2 lacks",
    "[z-a]": "comes first",
    "(?P<a>x)(?P<a>y)": "two groups",
    "é" * 513: "1026 bytes",
}


@pytest.mark.parametrize("pattern", RIGHT)
def test_what_re2_takes_has_no_flaw(pattern: str) -> None:
    assert flaw(pattern) is None


@pytest.mark.parametrize("pattern", WRONG)
def test_what_re2_refuses_has_a_flaw_that_says_why(pattern: str) -> None:
    assert WRONG[pattern] in str(flaw(pattern))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("GET|HEAD", "HEAD"), ("/r/[0-9]+", "/r/12"), (r"/v\d{1,2}(?:/x)?", "/v12/x"), ("[^/]*x", "ax"), ("^a$", "a")],
)
def test_the_whole_text_fits(pattern: str, text: str) -> None:
    assert fits(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("/r/[0-9]+", "/r/12a"),
        ("a", "A"),
        # Python reads these in another way, or does not read them
        ("a{,2}", "aa"),
        ("[[:alpha:]]", "a"),
        (r"\pL", "a"),
        (r"[\w-z]", "a"),
        ("a(?i)b", "ab"),
        # Python would take for ever
        ("(a+)+", "a" * 40),
        (".*.*.*.*.*", "a"),
    ],
)
def test_a_text_that_does_not_fit_as_far_as_anybody_knows(pattern: str, text: str) -> None:
    assert not fits(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("/api/v[0-9]+", "/api/v"), ("/apis?/x", "/api"), ("/a{2}", "/"), ("/a|/b", ""), (r"/a\.b", "/a"), ("(?i)/a", "")],
)
def test_each_text_that_fits_has_this_beginning(pattern: str, text: str) -> None:
    assert regex.beginning(pattern) == text


@pytest.mark.parametrize(
    ("pattern", "goes_on"), [("/a/.*", True), (r"/a\.*", False), ("/a/.*b", False), ("/b|/a.*", False), ("/a", False)]
)
def test_what_fits_may_go_on_only_where_anything_may_follow(pattern: str, goes_on: bool) -> None:  # noqa: FBT001
    assert regex.goes_on_anyhow(pattern) is goes_on
