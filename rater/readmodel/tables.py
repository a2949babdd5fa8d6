"""The read model's tables. Money is a whole number of the currency's smallest unit (`store.Money`), instants are
microseconds since 1970, shares and figures that are only shown are kept as they were written.

Any change here raises `FORMAT`: a read model of another format is rebuilt from the topics.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text

from rater.rating import limits
from rater.readmodel.units import Units

FORMAT = 7

metadata = MetaData()

facts = Table(
    "facts",
    metadata,
    Column("name", String(32), primary_key=True, comment="format, currency, precision, prefix"),
    Column("value", String(200), nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("topic", String(32), primary_key=True, comment="the role: charges, spend, alerts, rejected, catalog"),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False, comment="of the first record that is not in here"),
)

charges = Table(
    "charges",
    metadata,
    Column("account", String(limits.ACCOUNT_ID), primary_key=True),
    Column("period", String(limits.PERIOD_NAME), primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("amount", Units, nullable=False),
    Column("at", BigInteger, comment="when the call started; null for what is no call"),
    Column("call_id", String(limits.CALL_ID)),
    Column("direction", String(8)),
    Column("connected", Boolean),
    Column("talk", BigInteger, comment="seconds"),
    Column("call_class", String(32), comment="in the tariff book; null for other"),
    Column("answered_by", String(8), comment="null for unknown"),
    Column("not_connected", String(8), comment="why a call that was answered is not connected under its plan"),
    Column("labels", Text, comment="what the switch said of the call beside, as JSON; null for nothing"),
    Column("late", Boolean, nullable=False, comment="its call belongs to a period that was closed"),
    Column("body", Text, nullable=False, comment="the message as it came"),
    Index("charges_by_call", "account", "call_id"),
    Index("charges_by_call_id", "call_id"),
)

periods = Table(
    "periods",
    metadata,
    Column("account", String(limits.ACCOUNT_ID), primary_key=True),
    Column("period", String(limits.PERIOD_NAME), primary_key=True),
    Column("seq", BigInteger, nullable=False, comment="of its last charge"),
    Column("total", Units, nullable=False, comment="as its last charge says"),
    Column("summed", Units, nullable=False, comment="as its charges add up"),
    Column("fees", Units, nullable=False),
    Column("manual", Units, nullable=False, comment="manual adjustments"),
    Column("attempts", BigInteger, nullable=False, comment="outbound calls, voids taken off"),
    Column("connected", BigInteger, nullable=False, comment="outbound and connected, voids taken off"),
    Column("calls", BigInteger, nullable=False, comment="all connected calls, voids taken off"),
    Column("talk", BigInteger, nullable=False, comment="their talk time in seconds"),
    Column("plan", String(limits.VERSIONED_PLAN_ID), comment="of its last charge that has one"),
    Column("allowance_left", JSON, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("closed_at", BigInteger, comment="the record time of its closing in ms; null while it runs"),
    Column("touched", BigInteger, nullable=False, comment="the last charge's record time in ms"),
    Index("periods_by_total", "period", "total"),
    Index("periods_by_account", "period", "account"),
    Index("periods_by_touched", "touched"),
)

accounts = Table("accounts", metadata, Column("account", String(limits.ACCOUNT_ID), primary_key=True))

sums = Table(
    "sums",
    metadata,
    Column("period", String(limits.PERIOD_NAME), primary_key=True),
    Column("total", Units, nullable=False, comment="of all accounts, as the last charges say"),
    Column("accounts", BigInteger, nullable=False),
)

spends = Table(
    "spends",
    metadata,
    Column("account", String(limits.ACCOUNT_ID), primary_key=True),
    Column("period", String(limits.PERIOD_NAME), primary_key=True),
    Column("body", Text, nullable=False, comment="the latest snapshot as it came"),
)

flow = Table(
    "flow",
    metadata,
    Column("minute", BigInteger, primary_key=True, comment="since 1970, of the record's time: when it was charged"),
    Column("amount", Units, nullable=False),
    Column("charges", BigInteger, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", String(limits.ALERT_ID), primary_key=True),
    Column("account", String(limits.ACCOUNT_ID), nullable=False),
    Column("period", String(limits.PERIOD_NAME), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("alerts_by_account", "account"),
    Index("alerts_by_time", "at"),
)

rejected = Table(
    "rejected",
    metadata,
    Column("first", Text, primary_key=True, comment="where the record stood when it was rejected first: calls/3/10482"),
    Column("at", BigInteger, nullable=False, comment="of the latest rejection, the record's time in ms"),
    Column("place", Text, nullable=False, comment="where it stands as it was rejected last"),
    Column("rejection", Text, nullable=False, comment="where its latest rejection stands: rejected/3/17"),
    Column("times", BigInteger, nullable=False, comment="it was rejected"),
    Column("reason", String(40), nullable=False),
    Column("detail", String(limits.DETAIL), nullable=False),
    Column("account", String(limits.ACCOUNT_ID), comment="that the record names, where it can be read"),
    Column("source", String(limits.SOURCE), comment="the switch, where the record or its topic names one"),
    Column("body", Text, nullable=False),
    Column("resolved", Text, comment="the rejection that was resolved last"),
    Column("resolution", Text, comment="what was done about it, as its message says"),
    Column("state", String(10), nullable=False, comment="left, redriven, dropped; none before its first rejection"),
    Index("rejected_by_time", "state", "at"),
    Index("rejected_by_account", "account"),
)

numbers = Table(
    "numbers",
    metadata,
    Column("account", String(limits.ACCOUNT_ID), primary_key=True),
    Column("source", String(limits.SOURCE), primary_key=True),
    Column("call_id", String(limits.CALL_ID), primary_key=True),
    Column("callee", String(limits.PHONE_NUMBER), nullable=False, comment="as RATER_MASK_NUMBERS lets it be kept"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session", String(64), primary_key=True, comment="the SHA-256 of the cookie"),
    Column("name", String(64), nullable=False, comment="of the token that was shown"),
    Column("until", BigInteger, nullable=False, comment="seconds since 1970"),
)

reasons = Table(
    "reasons",
    metadata,
    Column("reason", String(40), primary_key=True),
    Column("times", BigInteger, nullable=False),
)

catalog = Table(
    "catalog",
    metadata,
    Column(
        "key", Text, primary_key=True, comment="`tariffs`, a plan version's id, or `account:id` of a negotiated plan"
    ),
    Column("body", Text, nullable=False, comment="the message as it came"),
)
