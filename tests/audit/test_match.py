"""The matcher: whatever is done to what was published is named, in windows of any size, however the pieces come."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rater.audit import match
from rater.audit.books import ChargeBooks
from rater.audit.match import Matcher, OutputRecord
from rater.audit.report import Report

Harm = Literal["missing", "repeated", "no-cause", "changed"]
COUNT = 60


def charge(seq: int, amount: str = "1.00", period: str = "2026-11") -> bytes:
    words = {"charge_id": f"A:{period}:{seq}", "account": "A", "period": period, "seq": seq}
    return orjson.dumps({**words, "amount": amount, "currency": "CNY"})


def piece(offset: int, value: bytes) -> OutputRecord:
    return OutputRecord(b"A", value, offset, f"calls/0/{offset}")


DUE = [piece(number, charge(number + 1)) for number in range(COUNT)]


def pieces(whole: Sequence[OutputRecord], rng: random.Random) -> Iterator[list[OutputRecord]]:
    """The sequence in pieces of any size."""
    start = 0
    while start < len(whole):
        size = rng.randrange(1, 20)
        yield list(whole[start : start + size])
        start += size


def judged(published: Sequence[bytes], *, seed: int = 0, cut: int = COUNT) -> Report:
    """What the matcher says of these, where `DUE` is asked for."""
    report, rng = Report(), random.Random(seed)
    matcher = Matcher(report, ChargeBooks(report, {}), "calls/0", "charges/0", cut)
    given_pieces = pieces([piece(n, value) for n, value in enumerate(published)], rng)
    for asked in pieces(DUE, rng):
        matcher.expect(asked)
        matcher.settle()
        while matcher.wants_published:
            part = next(given_pieces, None)
            if part is None:
                matcher.read_all()
            else:
                matcher.publish(part)
            matcher.settle()
    for part in given_pieces:
        matcher.publish(part)
    matcher.read_all()
    matcher.asked_all(more=False)
    matcher.settle()
    return report


class Harmed(NamedTuple):
    """What was done to the published charges."""

    kind: Harm
    place: int


def harmed(harm: Harmed) -> list[bytes]:
    """The charges as published, with one harm done to them."""
    values = [piece.value or b"" for piece in DUE]
    kind, place = harm
    if kind == "missing":
        del values[place]
    elif kind == "repeated":
        values.insert(place + 1, values[place])
    elif kind == "no-cause":
        values.insert(place, charge(place + 1, period="2099-01"))
    else:
        values[place] = charge(place + 1, "1.01")
    return values


@given(
    st.sampled_from(["missing", "repeated", "no-cause", "changed"]),
    st.integers(0, COUNT - 1),
    st.sampled_from([3, 10, 1000]),
    st.integers(0, 99),
)
@settings(derandomize=True, database=None, deadline=None, max_examples=300)
def test_each_harm_is_named_where_it_was_done(kind: Harm, place: int, window: int, seed: int) -> None:
    """One deleted, repeated, added or changed charge is the one finding of its kind, and carries its id."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(match, "WINDOW", window)
        report = judged(harmed(Harmed(kind, place)), seed=seed)
    found = [finding for finding in report.findings if finding.kind != "gap"]
    assert [finding.kind for finding in found] == [kind]
    ident = f"A:2099-01:{place + 1}" if kind == "no-cause" else f"A:2026-11:{place + 1}"
    assert found[0].what.startswith(ident)
    if kind == "changed":
        assert 'amount is "1.01", the log says "1.00"' in found[0].what


@pytest.mark.parametrize("window", [2, 7, 1000])
def test_what_is_equal_is_never_accused(window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal sequences have no findings, in windows of any size."""
    monkeypatch.setattr(match, "WINDOW", window)
    report = judged([piece.value or b"" for piece in DUE])
    assert (report.findings, report.charges, str(report.charged["CNY"])) == ([], COUNT, f"{COUNT}.00")


@given(st.integers(0, COUNT), st.integers(0, COUNT))
@settings(derandomize=True, database=None, deadline=None)
def test_what_the_workers_have_not_reached_is_not_missing(cut: int, came: int) -> None:
    """Behind the cut charges may be there or not; before it, each one that is not there is missing."""
    report = judged([piece.value or b"" for piece in DUE[:came]], cut=cut)
    assert report.counts["missing"] == max(0, cut - came)
    assert sum(report.charged.values()) == min(cut, came)


def test_every_charge_is_asked_for_by_its_key_too() -> None:
    """A charge under another account's key is another charge: a compacting or keyed reader would lose it."""
    told = match.difference(DUE[0], DUE[0]._replace(key=b"B"))
    assert told == "its key is b'B', the log says b'A'"


@pytest.mark.parametrize("value", [b"", b"\xff", b"[]", b"null", b'{"seq":"x","amount":"y"}', None])
def test_no_bytes_in_the_charges_stop_an_audit(value: bytes | None) -> None:
    """Whatever stands in the topic, it is told and the audit goes on."""
    values = [piece.value or b"" for piece in DUE]
    report = judged([*values[:30], value or b"", *values[30:]])
    assert report.counts["no-cause"] == 1
    assert report.counts["missing"] == 0
