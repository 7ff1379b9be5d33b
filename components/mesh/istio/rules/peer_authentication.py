"""PeerAuthentication: its schema says nearly all."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import Problem
from ..values import quoted
from .tree import Rules

_NUMBER = re.compile("[1-9][0-9]*")


def _not_plain_numbers(ports: Mapping[Any, Any]) -> Iterator[Problem]:
    """The definition's rule takes a sign and zeros before the number; istiod does not."""
    for port in map(str, ports):
        if re.fullmatch("[-+]?[0-9]{1,99}", port) and not _NUMBER.fullmatch(port) and int(port) > 0:
            yield Problem((port,), "not-an-integer", f"{quoted(port)} is not a plain number; write '{int(port)}'")


PEER_AUTHENTICATION = Rules(fields={"portLevelMtls": Rules((_not_plain_numbers,))})
