"""Whether answers agree with the shares that a spec states."""

from collections.abc import Callable, Mapping

from sandbox.mesh.load import Report

_CRITICAL = 9.210
"""Of the chi-square distribution with two degrees of freedom, at p = 0.01."""


def assert_split(send: Callable[[int], Report], expected: Mapping[str, float]) -> None:
    """4,000 requests agree with three shares. A fair split fails that once in a hundred; then it is tried once more."""
    for tries_left in (1, 0):
        report = send(4000)
        assert not report.failures
        assert report.answers.keys() == expected.keys()
        distance = sum(
            (report.answers[who] - share * report.requests) ** 2 / (share * report.requests)
            for who, share in expected.items()
        )
        if distance < _CRITICAL:
            return
        assert tries_left, f"chi-square {distance:.1f} twice in a row: {report.answers}"
