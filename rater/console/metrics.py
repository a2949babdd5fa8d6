"""What the console tells Prometheus: of the stream as a whole, and of its own read model."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from rater.readmodel.follower import Live
from rater.readmodel.overall import residue, totals
from rater.readmodel.queries import money_of
from rater.readmodel.rejected import item_counts
from rater.readmodel.store import Store


class ConsoleMetrics:
    """Collects from the read model and from what the follower knows."""

    def __init__(self, live: Live, store: Store) -> None:
        self._live, self._store = live, store

    def collect(self) -> Iterator[Metric]:
        """Lag, residue, charges, rejections by reason, and whether Kafka answers."""
        live = self._live
        with self._store.read() as connection:
            currency = money_of(connection).currency
            off, sums, states = residue(connection), totals(connection), item_counts(connection)
        lag = GaugeMetricFamily("rater_lag_records", "Records of the log without an outcome", labels=["partition"])
        for partition, waiting in sorted(live.lags().items()):
            lag.add_metric([str(partition)], waiting)
        yield lag
        yield GaugeMetricFamily("rater_console_behind", "Messages that are not in the read model", value=live.behind)
        yield GaugeMetricFamily("rater_console_fresh", "1: Kafka was heard of in the last seconds", value=live.fresh)
        money = GaugeMetricFamily(
            "rater_residue", "What charges sum to, less what their periods' totals say", labels=["currency"]
        )
        money.add_metric([currency], float(off))
        yield money
        yield CounterMetricFamily("rater_charges", "Charges in the read model", value=sums.charges)
        yield GaugeMetricFamily("rater_periods", "Periods in the read model", value=sums.periods)
        rejected = CounterMetricFamily("rater_rejected", "Records that did nothing, by reason", labels=["reason"])
        for one in sums.rejected:
            rejected.add_metric([one.reason], one.times)
        yield rejected
        items = GaugeMetricFamily("rater_rejected_items", "Rejected records by what was done", labels=["state"])
        for state, number in states.items():
            items.add_metric([state], number)
        yield items


def exposition(live: Live, store: Store) -> bytes:
    """The metrics as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(ConsoleMetrics(live, store))
    return generate_latest(registry)
