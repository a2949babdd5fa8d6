"""The words of a price (rating.md, "Plans"): a rate, or bands, each with its checks."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, ClassVar, NoReturn, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from rater.rating.book import Band, Price
from rater.wire.fields import Price as PriceWord
from rater.wire.fields import StrictModel

MAX_BANDS = 50
MAX_UNITS = 9_999_999_999
"""Minutes or calls in an allowance or a band's start."""

Units = Annotated[int, Field(ge=0, le=MAX_UNITS)]


def wrong(message: str, at: str | None = None) -> NoReturn:
    """Refuse a value; `at` names the field below the place that is being checked."""
    raise PydanticCustomError("tariff", "{message}", {"message": message, "at": at})


class BandWords(StrictModel):
    """A band: units from `start` (the field `from`) on cost `rate` each, and `flat` once."""

    start: Units = Field(alias="from")
    rate: PriceWord
    flat: PriceWord = Decimal(0)

    def to_core(self) -> Band:
        """The band as the rules see it."""
        return Band(self.start, self.rate, self.flat)

    @classmethod
    def of(cls, band: Band) -> Self:
        """The words of a band."""
        words: dict[str, Any] = {"from": band.start, "rate": band.rate}
        return cls(**(words | {"flat": band.flat} if band.flat else words))


def _ascending(bands: tuple[BandWords, ...]) -> tuple[BandWords, ...]:
    if bands[0].start != 0:
        wrong("the first band must be from: 0")
    for number, (one, next_one) in enumerate(pairwise(bands), start=2):
        if next_one.start <= one.start:
            wrong(f"bands must ascend: band {number} is from {next_one.start}, the one before it from {one.start}")
    return bands


Bands = Annotated[tuple[BandWords, ...], Field(min_length=1, max_length=MAX_BANDS), AfterValidator(_ascending)]


class PriceWords(StrictModel):
    """What units cost: one of `rate`, `graduated`, `volume`; none where an unlimited allowance covers them."""

    rate: PriceWord | None = None
    graduated: Bands | None = None
    volume: Bands | None = None

    PRICES: ClassVar = ("rate", "graduated", "volume")

    @property
    def prices(self) -> list[str]:
        """The prices that are said."""
        return [name for name in self.PRICES if getattr(self, name) is not None]

    def price(self) -> Price | None:
        """The price as the rules see it; None where there is none."""
        if self.rate is not None:
            return Price("flat", (Band(0, self.rate),))
        if self.graduated is not None:
            return Price("graduated", tuple(band.to_core() for band in self.graduated))
        if self.volume is not None:
            return Price("volume", tuple(band.to_core() for band in self.volume))
        return None

    def check(self, *, covered: bool, at: str | None = None) -> None:
        """Refuse more or fewer prices than one, or than none where an unlimited allowance covers all."""
        said, place = self.prices, "" if at is None else f"by_class {at}: "
        if covered and said:
            wrong(f"{place}an unlimited allowance has no price: leave it out", said[0] if at is None else "by_class")
        if not covered and len(said) != 1:
            found = f"not {' and '.join(said)}" if said else 'for free units write rate: "0"'
            problem = f"{place}a meter has exactly one of rate, graduated, volume; {found}"
            wrong(problem, "by_class" if at is not None else said[-1] if said else None)

    @staticmethod
    def words_of(price: Price | None) -> dict[str, Any]:
        """What a price is said by."""
        if price is None:
            return {}
        if price.kind == "flat":
            return {"rate": price.bands[0].rate}
        return {price.kind: tuple(BandWords.of(band) for band in price.bands)}
