"""The REST API holds what its OpenAPI document says, whatever is sent: schemathesis makes the requests."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from rater.console.app import create_app
from rater.console.tokens import console_token
from rater.kafka.settings import Settings
from rater.readmodel.store import Store
from tests.console.readmodel import busy_log, filled
from tests.console.test_api import Idle

TOKEN = "a-token-of-the-tests"  # noqa: S105 - of no system
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
LOG = busy_log()

NEGATIVE = schemathesis.GenerationMode.NEGATIVE
"""Requests that the document forbids."""
STORE = filled(LOG, Store())
APP = create_app(STORE, console_token(TOKEN), Idle(Settings(_env_file=None), STORE))
DOCUMENT = schemathesis.openapi.from_asgi("/api/v1/openapi.json", APP, headers=HEADERS)
OPERATIONS = [found.ok() for found in DOCUMENT.get_all_operations()]


@pytest.mark.parametrize("operation", OPERATIONS, ids=[one.path for one in OPERATIONS])
def test_every_answer_is_as_the_document_says(operation: Any) -> None:
    """Statuses, media types, shapes, 405 with Allow, no answer without the token, no crash."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(st.one_of(operation.as_strategy(), operation.as_strategy(generation_mode=NEGATIVE)))
    def holds(case: schemathesis.Case) -> None:
        # Which cursors there are, no document can say.
        excluded = [positive_data_acceptance] if case.query.get("cursor") is not None else []
        case.call_and_validate(headers=HEADERS, excluded_checks=excluded)

    holds()
