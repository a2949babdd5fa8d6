"""The tree of our own errors. Each class stands where it is raised; the command gives each a message and a status.

```
RaterError
├── Refused               starting, or going on, would not be safe: exit 78       (rater.kafka.failstop)
│   └── OtherCurrency     a file of charges in another currency                   (rater.readmodel.from_files)
├── OversizedRecord       a message that no batch takes: ends the worker          (rater.engine.producer)
├── Overtaken             another process projected these messages                (rater.readmodel.projection)
├── NotALog               a file that is no log of events: exit 2                 (rater.tools.log_file)
├── Unreadable            a record of a switch that no call can be made of        (rater.switches.raw)
├── PassedOver            a record of a switch that is no call to charge           (rater.switches.raw)
├── NoEmbeddedBroker      the demo's broker is not installed: exit 2              (rater.tools.embedded)
└── WorkerEnded           the demo's worker ended by itself                       (rater.tools.demo)
```

What Kafka, the operating system or a library raises is not ours; `rater.cli.errors` tells it to people.
"""

from __future__ import annotations


class RaterError(Exception):
    """Something that the rater itself found to be wrong; its text is for people."""
