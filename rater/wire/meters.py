"""The names of meters in messages: words of a list that grows with the registry of units, which a Literal cannot."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from rater.rating.lines import ADJUSTMENT, DISCOUNT, FEE, FLAT, GUARANTEE, ITEM, MINIMUM, ROUNDING, SETUP
from rater.rating.units import UNITS

METERS = tuple(unit.name for unit in UNITS)
"""The meters that need no name of their own."""
MOST_METERS = 64
"""Of a plan."""
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
METER_NAME = ITEM_NAME
"""Of a meter that has a name of its own; its flats have `-flat` behind it."""
_FLATS = f"{METER_NAME}({FLAT})?"
RESERVED = frozenset({*LINE_METERS, *(unit.key for unit in UNITS), "credit"})
"""What no meter may be called."""


CLASS_NAME = r"[A-Za-z0-9._+-]{1,32}"
ClassName = Annotated[str, Field(pattern=f"^{CLASS_NAME}$", max_length=32)]
"""A class of calls, as the tariff book calls it."""


def _one_of(names: tuple[str, ...], **others: str) -> Any:
    """A word of a list that grows with the registry of units, which a Literal cannot, or one like the patterns."""
    fit = re.compile("|".join(others.values()) or "(?!)").fullmatch

    def check(name: str) -> str:
        if name not in names and not fit(name):
            raise PydanticCustomError("literal_error", "one of " + ", ".join((*names, *others)))
        return name

    schema: dict[str, Any] = {"type": "string", "enum": list(names)}
    if others:
        patterns = ({"type": "string", "pattern": f"^{pattern}$", "maxLength": 37} for pattern in others.values())
        schema = {"anyOf": [schema, *patterns]}
    return (AfterValidator(check), WithJsonSchema(schema))


UnitName = Annotated[str, *_one_of(METERS)]
AllowanceMeter = Annotated[str, Field(pattern=f"^{METER_NAME}$", max_length=32)]
"""A meter, by its own name or its unit's."""
LineMeter = Annotated[str, *_one_of(LINE_METERS, item=ITEM + ITEM_NAME, meter=_FLATS)]
"""What a line is for: a meter, the flats of its bands, the fee, an item, a set-up, a manual adjustment, a discount,
a minimum, a guarantee, or what rounding left over."""
