"""What was published, added up as it is read: the numbers of charges, their sums, and what was refused."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from rater.audit.match import OutputRecord
from rater.audit.report import Report, add
from rater.rating.money import ZERO

CLOSED = "period-closed/1"


class ChargeBooks:
    """The charges of one partition."""

    def __init__(self, report: Report, last: dict[str, int]) -> None:
        """`last` has the number of the last charge before the first that is read, by `account:period`."""
        self._report, self._last = report, last

    def ident(self, piece: OutputRecord) -> str:
        """The charge's id, or the period that is closed."""
        words = _words(piece)
        if words.get("type") == CLOSED:
            return f"{words.get('account')}:{words.get('period')}:closed"
        return str(words.get("charge_id", "(no charge_id)"))

    def knows(self, piece: OutputRecord) -> bool:
        """A number that was passed already."""
        period, seq = _numbered(_words(piece))
        return 0 < seq <= self._last.get(period, 0)

    def enter(self, piece: OutputRecord, place: str, *, before_cut: bool) -> None:
        """Count a charge, and look at its number."""
        charge = _words(piece)
        if charge.get("type") == CLOSED:
            self._close(charge, place, before_cut=before_cut)
            return
        period, seq = _numbered(charge)
        last = self._last.get(period, 0)
        if seq != last + 1:
            self._report.add_finding("gap", place, f"{self.ident(piece)}: number {last + 1} was due")
        self._last[period] = max(seq, last)
        self._report.charges += 1
        if before_cut:
            add(self._report.charged, str(charge.get("currency")), _amount(charge, "amount"))

    def _close(self, closed: dict[str, Any], place: str, *, before_cut: bool) -> None:
        """A closed period is final: its rows are gone, and its total is due."""
        period, _ = _numbered(closed)
        last = self._last.pop(period, 0)
        if last != closed.get("last_seq"):
            self._report.add_finding(
                "gap", place, f"{period} is closed with last_seq {closed.get('last_seq')}, after {last}"
            )
        self._report.closed += 1
        if before_cut:
            add(self._report.due, str(closed.get("currency")), _amount(closed, "total"))


class InOrder:
    """What comes in the order of the log, and has no numbers of its own."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._seen = -1

    def knows(self, piece: OutputRecord) -> bool:
        """What came of a record that was passed already."""
        return 0 <= _offset(piece.cause) <= self._seen

    def passes(self, piece: OutputRecord) -> None:
        """Note how far the log has come."""
        self._seen = max(self._seen, _offset(piece.cause))


class AlertBooks(InOrder):
    """The alerts of one partition."""

    def ident(self, piece: OutputRecord) -> str:
        """The alert's id."""
        return str(_words(piece).get("alert_id", "(no alert_id)"))

    def enter(self, piece: OutputRecord, place: str, *, before_cut: bool) -> None:  # noqa: ARG002 - there are no sums
        """Count an alert."""
        self._report.alerts += 1
        self.passes(piece)


class RejectedBooks(InOrder):
    """The rejections of one partition."""

    def ident(self, piece: OutputRecord) -> str:
        """The place of the record that was rejected."""
        return piece.cause or f"(no rater-from at {piece.offset})"

    def enter(self, piece: OutputRecord, place: str, *, before_cut: bool) -> None:  # noqa: ARG002 - there are no sums
        """Count a rejection, and name a record that the rules failed on."""
        self._report.rejected += 1
        self.passes(piece)
        words = _words(piece)
        if words.get("reason") == "internal-error":
            self._report.add_finding("internal-error", place, f"the record at {piece.cause}: {words.get('detail')}")


def _words(piece: OutputRecord) -> dict[str, Any]:
    """The message; whatever it is, an audit must not raise."""
    try:
        words = orjson.loads(piece.value or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return words if isinstance(words, dict) else {}


def _numbered(charge: dict[str, Any]) -> tuple[str, int]:
    seq = charge.get("seq")
    return f"{charge.get('account')}:{charge.get('period')}", seq if isinstance(seq, int) else 0


def _amount(charge: dict[str, Any], name: str) -> Decimal:
    try:
        return Decimal(str(charge.get(name)))
    except InvalidOperation:
        return ZERO  # a charge like that differs from what the log says, and is reported as such


def _offset(place: str) -> int:
    offset = place.rpartition("/")[2]
    return int(offset) if offset.isdecimal() else -1
