"""The nouns of the registry: a region on its days, a succession between regions, and a value that cannot be known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from yucun.base.identity import Level, RegionCode
from yucun.base.text import Text

# Codes that come without the day they began are kept as valid from this day; nothing is asked of an earlier one.
BEGINNING = date(1900, 1, 1)


@dataclass(frozen=True, slots=True)
class Region:
    """One version of a region: its name and parent between two days.

    A rename or a move to another parent ends one version and begins the next under the same code.

    Parameters
    ----------
    code : RegionCode
        Twelve digits.
    name : Text
        The full name, e.g. 吴兴区 / Wuxing District.
    level : str
        province, city, county, town or village; what the registry says, not what the digits look like.
    parent : RegionCode or None
        The region above, on these days.
    valid_from, valid_to : date
        From the first day up to, and not including, the last; `valid_to` None while it lasts.
    """

    code: RegionCode
    name: Text
    level: Level
    parent: RegionCode | None
    valid_from: date = BEGINNING
    valid_to: date | None = None

    def is_valid(self, on: date | None) -> bool:
        """True when this version holds on a day; None asks for the newest map."""
        if on is None:
            return self.valid_to is None
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class Succession:
    """What became of a region on a day: the share of the old one that passed to a new one.

    A merge is one succession for each old region, a split one for each new region. A region that keeps a part
    of itself needs no succession to itself: it keeps what the others leave.

    Parameters
    ----------
    old, new : RegionCode
        From which, to which.
    on : date
        First day of the new map.
    weight_numerator, weight_denominator : int
        Share of the old region that passed on, between nothing and the whole.
    source : str or None
        Where the share is published; without it the weight counts as not known, which matters only for a split.
    back_numerator, back_denominator : int or None
        Share of the new region that came from the old one, for reading today's figures in the older map.
    """

    old: RegionCode
    new: RegionCode
    on: date
    weight_numerator: int = 1
    weight_denominator: int = 1
    source: str | None = None
    back_numerator: int | None = None
    back_denominator: int | None = None

    def __post_init__(self) -> None:
        pairs = [(self.weight_numerator, self.weight_denominator)]
        if self.back_numerator is not None or self.back_denominator is not None:
            pairs.append((self.back_numerator or 0, self.back_denominator or 0))
        if any(not 0 <= top <= bottom or bottom == 0 for top, bottom in pairs):
            raise ValueError(f"a weight lies between nothing and the whole: {self}")


@dataclass(frozen=True, slots=True)
class NotKnownMark:
    """Stands where a value would need a share that nobody published; `reason` says which."""

    region: RegionCode
    reason: Text
