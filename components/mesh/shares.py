"""Integer arithmetic of weights and percentages."""

from collections.abc import Sequence


def percentages(weights: Sequence[int]) -> list[str]:
    """Each weight's share with two decimals; together exactly 100.00 %, each less than 0.01 off."""
    hundredths = parts(weights, 10_000)
    return [f"{share // 100}.{share % 100:02} %" for share in hundredths]


def parts(weights: Sequence[int], total: int) -> list[int]:
    """`total` divided in proportion to `weights`, by largest remainder; ties go by index.

    One weight at least is more than 0.
    """
    whole = sum(weights)
    shares = [weight * total // whole for weight in weights]
    remainders = [weight * total % whole for weight in weights]
    largest_first = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in largest_first[: total - sum(shares)]:
        shares[index] += 1
    return shares
