"""The names of meters in messages: words of a list that grows with the registry of units, which a Literal cannot."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from rater.rating.lines import ADJUSTMENT, DISCOUNT, FEE, FLAT, GUARANTEE, ITEM, MINIMUM, ROUNDING, SETUP
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
    SETUP,
)
ITEM_NAME = r"[A-Za-z0-9._+-]{1,32}"
_item = re.compile(ITEM + ITEM_NAME).fullmatch


def _one_of(names: tuple[str, ...], *, items: bool = False) -> Any:
    """A word of a list that grows with the registry of units, which a Literal cannot; `items`: or an item's name."""

    def check(name: str) -> str:
        if name not in names and not (items and _item(name)):
            raise PydanticCustomError("literal_error", "one of " + ", ".join(names))
        return name

    schema: dict[str, Any] = {"type": "string", "enum": list(names)}
    if items:
        schema = {"anyOf": [schema, {"type": "string", "pattern": f"^{ITEM}{ITEM_NAME}$", "maxLength": 37}]}
    return (AfterValidator(check), WithJsonSchema(schema))


AllowanceMeter = Annotated[str, *_one_of(METERS)]
LineMeter = Annotated[str, *_one_of(LINE_METERS, items=True)]
"""What a line is for: a meter, the flats of its bands, the fee, an item, a set-up, a manual adjustment, a discount,
a minimum, a guarantee, or what rounding left over."""
