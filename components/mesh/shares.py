"""Integer arithmetic of weights and percentages."""

from collections.abc import Sequence
from math import gcd, lcm


def percentages(weights: Sequence[int]) -> list[str]:
    """Each weight's share with two decimals; together exactly 100.00 %, each less than 0.01 off.

    By largest remainder; ties go by index. One weight at least is more than 0.
    """
    whole = sum(weights)
    hundredths = [weight * 10_000 // whole for weight in weights]
    remainders = [weight * 10_000 % whole for weight in weights]
    largest_first = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in largest_first[: 10_000 - sum(hundredths)]:
        hundredths[index] += 1
    return [f"{share // 100}.{share % 100:02} %" for share in hundredths]


def spread(groups: Sequence[tuple[int, int]]) -> list[int]:
    """For each group, given as its weight and its size, the weight of each of its members.

    The groups' totals are in the exact proportion of their weights, in the smallest integers that give it.
    """
    whole = lcm(*(size for _, size in groups))
    weights = [weight * (whole // size) for weight, size in groups]
    return [weight // gcd(*weights) for weight in weights]


def spread_over(clusters: Sequence[Sequence[tuple[int, int]]]) -> list[int]:
    """The same for the groups of several clusters, of which each gets a share by the number of its members.

    The weights divide what their own cluster gets. Each cluster has a weight above 0.
    """
    totals = [sum(weight for weight, _ in groups) for groups in clusters]
    whole = lcm(*totals)
    return spread(
        [
            (weight * sum(members for _, members in groups) * (whole // total), size)
            for groups, total in zip(clusters, totals, strict=True)
            for weight, size in groups
        ]
    )
