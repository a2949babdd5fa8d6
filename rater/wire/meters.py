"""The names of meters in messages: words of a list that grows with the registry of units, which a Literal cannot."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from rater.rating.lines import ADJUSTMENT, DISCOUNT, FEE, FLAT, GUARANTEE, MINIMUM, ROUNDING
from rater.rating.units import UNITS

METERS = tuple(unit.name for unit in UNITS)
LINE_METERS = (
    *(name + flat for name in METERS for flat in ("", FLAT)),
    FEE,
    ADJUSTMENT,
    ROUNDING,
    DISCOUNT,
    MINIMUM,
    GUARANTEE,
)


def _one_of(names: tuple[str, ...]) -> Any:
    """A word of a list that grows with the registry of units, which a Literal cannot."""

    def check(name: str) -> str:
        if name not in names:
            raise PydanticCustomError("literal_error", "one of " + ", ".join(names))
        return name

    return (AfterValidator(check), WithJsonSchema({"type": "string", "enum": list(names)}))


AllowanceMeter = Annotated[str, *_one_of(METERS)]
LineMeter = Annotated[str, *_one_of(LINE_METERS)]
"""What a line is for: a meter, the flats of its bands, the fee, a manual adjustment, a discount, a minimum, a
guarantee, or what rounding left over."""
