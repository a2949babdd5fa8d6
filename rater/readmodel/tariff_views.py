"""The newest tariff book, as the read model answers it. Amounts and shares are decimals as strings."""

from __future__ import annotations

from typing import Literal

from rater.readmodel.views import View


class BandView(View):
    """A band of a price: from so many units beyond the allowance on, `rate` each, and `flat` once."""

    start: int
    rate: str
    flat: str


class MeterView(View):
    """What a plan counts, what of it is included, and the price of the rest."""

    name: str
    """Its own, or its unit's. Of the meters of a unit the first that selects a call counts it."""
    unit: str
    """`minutes`, `connected-calls`, `attempts`."""
    allowance: int | None
    """Units that are included; null is all of them, and then there is no price."""
    price: Literal["flat", "graduated", "volume"] | None
    bands: tuple[BandView, ...]
    directions: tuple[str, ...] | None
    """The directions that count; null is all."""
    classes: tuple[str, ...] | None
    """The classes of calls that count; null is all."""
    part: str | None
    """Of a meter with prices by class, of which each has an entry: the class, or `rest`; null of any other."""
    covers: tuple[str, ...] | None
    """Of an allowance that parts share, which has an entry without a price: these, in the order of their turn."""
    portion: tuple[int, int | None] | None
    """Of minutes: the billed seconds of each call that count, from the first on, before the second; null is all."""
    increment: str | None
    """Of minutes: the seconds that are billed at first, and the steps after them: `60/60`."""
    minimum: int | None
    """Of minutes: the seconds that are billed at least."""


class GuaranteeView(View):
    """A guaranteed connect rate: from `attempts` outbound attempts on, below `connect_rate`, `credit` of the usage."""

    connect_rate: str
    attempts: int
    credit: str


class ConnectedView(View):
    """Which answered calls are connected: with at least `min_talk` seconds of talk time, answered by one of these."""

    min_talk: int
    answered_by: tuple[str, ...]


class ItemView(View):
    """Something that recurs beside a plan's fee: `price` of one, per period."""

    price: str
    quantity: int


class PlanView(View):
    """A plan in the version that is in effect."""

    id: str
    fee: str
    proration: Literal["none", "daily"]
    effective: str | None
    """RFC 3339; null is always."""
    discount: str | None
    """The share that is taken off the price of usage; null without one."""
    minimum: str | None
    """What a period owes at least in usage and fee; null without one."""
    items: dict[str, ItemView]
    setup: str | None
    """What is due once, in the first period under the plan; null without."""
    guarantee: GuaranteeView | None
    connected: ConnectedView | None
    """What connected means; null takes every answered call for it."""
    meters: tuple[MeterView, ...]


class TariffsView(View):
    """The newest tariff book, and its plans by name."""

    version: int
    currency: str
    time_zone: str
    default_plan: str | None
    plans: dict[str, PlanView]
