"""Logging of every process: structlog over the standard library, lines for people or JSON for machines."""

from __future__ import annotations

import logging
import re

import structlog

QUIET = (
    "faust",
    "mode",
    "aiokafka",
    "rater.engine.faust.transport",
    "rater.engine.faust.app",
    "rater.engine.faust.tables",
)
"""Loggers that tell of every service started and every group joined: warnings only, unless debugging."""


def set_up(level: str = "info", *, as_json: bool = False) -> None:
    """Send all logging to standard error. `level` is a word of the standard library's, in lower case."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(
            colors=False,
            exception_formatter=structlog.dev.plain_traceback,  # the default shows the values of variables
        )
    )
    final: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        final += [structlog.processors.format_exc_info, _mask_fields]
    else:
        renderer = _masked_lines(renderer)
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*final, renderer]),
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel("DEBUG" if level == "debug" else "WARNING")
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


_PHONE = re.compile(r"(?<![\w/.:-])\+?[0-9]{9,15}(?![\w.:-])")
"""What may be the number of a phone; places in the log (calls/3/1234567890) and times are none."""


def masked(text: str) -> str:
    """The text with all but the last two digits of what may be phone numbers as stars."""
    return _PHONE.sub(lambda found: "*" * (len(found[0]) - 2) + found[0][-2:], text)


def _mask_fields(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Every text in the event masked; numbers stay numbers."""
    return {name: masked(value) if isinstance(value, str) else value for name, value in event.items()}


def _masked_lines(renderer: structlog.typing.Processor) -> structlog.typing.Processor:
    """The renderer, with the lines that it writes masked, tracebacks among them."""

    def shown(logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict) -> str:
        return masked(str(renderer(logger, name, event)))

    return shown
