"""The file that says who is told of what (`notify.yaml`), as a model. Secrets stand in the environment, never in it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from rater.wire.fields import AccountId, StrictModel

EventGroup = Literal["alerts", "closings", "rejections", "charges", "thresholds"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="a name: letters, digits, dashes")]
Variable = Annotated[
    str,
    Field(pattern=r"^RATER_NOTIFY_[A-Z0-9_]{1,60}$", description="a variable of the environment, RATER_NOTIFY_..."),
]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,9})?$", description="an amount of money")]


class TargetWords(StrictModel):
    """Somebody who is told: a webhook with the variable of its secret, or the variable of an address of apprise."""

    name: Name
    webhook: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)] | None = None
    secret_in: Variable | None = None
    apprise_in: Variable | None = None
    language: Literal["en", "zh"] = "en"
    events: Annotated[tuple[EventGroup, ...], Field(min_length=1, max_length=5)]
    accounts: Annotated[tuple[AccountId, ...], Field(max_length=10_000)] | None = None
    """Only of these; what is of no account is not told then."""
    give_up_after: Annotated[int, Field(ge=1, le=7 * 86400)] = 3600
    """Seconds from the first attempt until a message goes to the dead letter."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.webhook is None) == (self.apprise_in is None):
            raise PydanticCustomError("one-way", "write either webhook or apprise_in")
        if (self.webhook is None) != (self.secret_in is None):
            raise PydanticCustomError("secret", "a webhook is signed: secret_in names the variable of its secret")
        return self


class RateWords(StrictModel):
    """Calls of an account in a minute against what is usual for it."""

    times: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}(\.[0-9]{1,2})?$", description="a number of 1 or more")]
    """So many times the usual,"""
    at_least: Annotated[int, Field(ge=2, le=1_000_000)]
    """and at least so many."""


class ThresholdWords(StrictModel):
    """A threshold of one's own, for one account or for all."""

    name: Name
    account: AccountId | None = None
    allowance: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of an allowance that are used."""
    spend: Amount | None = None
    """What a period comes to."""
    calls_a_minute: RateWords | None = None
    rejected_a_minute: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Records that are rejected in a minute, over all accounts."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        said = (self.allowance, self.spend, self.calls_a_minute, self.rejected_a_minute)
        if sum(one is not None for one in said) != 1:
            raise PydanticCustomError(
                "one-thing", "write one of allowance, spend, calls_a_minute and rejected_a_minute"
            )
        if self.rejected_a_minute is not None and self.account is not None:
            raise PydanticCustomError("account", "rejected_a_minute is over all accounts: leave account out")
        return self


class NotifyWords(StrictModel):
    """The file."""

    targets: Annotated[tuple[TargetWords, ...], Field(min_length=1, max_length=50)]
    thresholds: Annotated[tuple[ThresholdWords, ...], Field(max_length=1000)] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for names in ([one.name for one in self.targets], [one.name for one in self.thresholds]):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise PydanticCustomError("twice", "the name {name} stands there twice", {"name": twice[0]})
        return self
