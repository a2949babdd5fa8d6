"""What `rater demo` shows while it runs: calls in, charges out, who spends, which bundles run out, what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

TOP = 5
RECENT = 3
"""So that all of it stands on a terminal of 80 columns and 24 lines."""


@dataclass(slots=True)
class Spender:
    """An account in its newest period."""

    plan: str = ""
    period: str = ""
    charges: int = 0
    total: Decimal = Decimal(0)
    left: str = ""
    """Minutes left of the allowance; empty where the plan has none."""


@dataclass(slots=True)
class DemoView:
    """What was seen of the topics so far."""

    wanted: int
    """Events that will be fed in all."""
    console: list[str] = field(default_factory=list)
    """Where the web console is, and how to log in, a line each."""
    doing: str = "starting"
    """What happens now."""
    fed: int = 0
    charges: int = 0
    per_second: float = 0.0
    currency: str = ""
    spenders: dict[str, Spender] = field(default_factory=dict)
    exhausted: list[str] = field(default_factory=list)
    """Accounts whose included minutes ran out, the latest last."""
    rejected: Counter[str] = field(default_factory=Counter)

    def on_charge(self, charge: dict[str, Any]) -> None:
        """Take in a charge."""
        self.charges += 1
        self.doing = "calls are rated as they come"
        self.currency = charge["currency"]
        spender = self.spenders.setdefault(charge["account"], Spender())
        left = charge["allowance_left"].get("minutes", "")
        if charge["period"] != spender.period:
            spender.left = ""
        if left == "0" and spender.left not in {"", "0"}:
            self.exhausted.append(f"{charge['account']}  {charge['plan']}  {charge['period']}")
        spender.plan, spender.period, spender.left = charge["plan"], charge["period"], left
        spender.charges += 1
        spender.total = Decimal(charge["period_total"])

    def on_rejected(self, rejected: dict[str, Any]) -> None:
        """Take in a rejection."""
        self.rejected[rejected["reason"]] += 1

    def line(self) -> str:
        """The state in one line, for where there is no terminal."""
        return (
            f"{self.fed:>7,} records in   {self.charges:>7,} charges out   {self.per_second:>7,.0f} charges/s"
            f"   {self.rejected.total():>3} rejected"
        )

    def render(self) -> RenderableType:
        """The state as a screen."""
        lower = Table.grid(expand=True)
        lower.add_column(ratio=1)
        lower.add_column(ratio=1)
        lower.add_row(self._exhausted(), self._rejected())
        return Group(self._head(), self._top(), lower)

    def _head(self) -> Panel:
        grid = Table.grid(padding=(0, 3))
        for _ in range(4):
            grid.add_column(justify="right")
        grid.add_row("records in", "charges out", "charges/s", "rejected", style="dim")
        rejected = self.rejected.total()
        grid.add_row(f"{self.fed:,}", f"{self.charges:,}", f"{self.per_second:,.0f}", f"{rejected:,}", style="bold")
        bar = ProgressBar(total=self.wanted, completed=self.fed, width=None)
        lines = [Text(line) for line in self.console or ["console  starting", "token"]]
        return Panel(
            Group(grid, bar, Text(self.doing, style="dim"), *lines),
            title="FreeSWITCH -> rater intake -> calls -> rater worker -> charges",
            title_align="left",
        )

    def _top(self) -> Panel:
        table = Table.grid(padding=(0, 2), expand=True)
        for _ in ("account", "plan", "month"):
            table.add_column()
        for _ in ("calls", "spend"):
            table.add_column(justify="right")
        table.add_column(ratio=1)
        table.add_row("account", "plan", "month", "calls", f"spend {self.currency}", "", style="dim")
        ranked = sorted(self.spenders.items(), key=lambda item: (-item[1].total, item[0]))[:TOP]
        most = float(ranked[0][1].total) if ranked else 0.0
        for account, spender in ranked:
            bar = ProgressBar(total=most or 1.0, completed=float(spender.total), width=None)
            table.add_row(account, spender.plan, spender.period, f"{spender.charges:,}", f"{spender.total:,.2f}", bar)
        return Panel(table, title="spend of the top accounts", title_align="left")

    def _exhausted(self) -> Panel:
        lines = "\n".join(reversed(self.exhausted[-RECENT:])) or "none yet"
        return Panel(
            Text(lines), title=f"bundles used up: {len(self.exhausted)}", title_align="left", height=RECENT + 2
        )

    def _rejected(self) -> Panel:
        lines = "\n".join(f"{count:>4}  {reason}" for reason, count in self.rejected.most_common(RECENT)) or "none yet"
        return Panel(Text(lines), title="rejected, by reason", title_align="left", height=RECENT + 2)
