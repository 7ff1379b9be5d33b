"""What each module of a kind of object gives to the plan: objects with their places in the order of a change."""

from typing import NamedTuple

from ..manifest import Manifest

Pair = tuple[str, str]
"""Client and serving cluster, which may be one."""


class Planned(NamedTuple):
    """An object, and its place in the order of a change."""

    manifest: Manifest
    after: tuple[str, ...] = ()
    """Keys of what must exist before it."""
    serves: tuple[Pair, ...] = ()
    """The pairs of clusters whose routes need it."""
    leads: tuple[Pair, ...] = ()
    """The pairs of clusters between which it sends calls."""
    stays: bool = False
    """Whether it stays on its cluster when it leaves the plan."""

    def joined(self, other: "Planned") -> "Planned":
        """The same object, for whoever needs either."""
        return Planned(
            self.manifest,
            tuple(dict.fromkeys((*self.after, *other.after))),
            tuple(dict.fromkeys((*self.serves, *other.serves))),
            tuple(dict.fromkeys((*self.leads, *other.leads))),
            self.stays or other.stays,
        )
