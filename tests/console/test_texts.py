"""What people read is there in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import rater.console
from rater.rating.connect_rate import Verdict
from rater.rating.units import DIRECTIONS, AnsweredBy, NotConnected
from rater.readmodel import advice_texts, answer_texts, texts
from rater.wire.meters import LINE_METERS
from rater.wire.results import AlertKind, ChargeKind

FOLDER = Path(rater.console.__file__).parent
OTHERS = (FOLDER.parent / "cli", FOLDER.parent / "readmodel")
TABLES = {name: getattr(texts, name) for name in ("TEXTS", "_METERS", "_VERDICTS", "_ALERTS")}
TABLES["_ADVICE"] = advice_texts._ADVICE
TABLES |= {"ANSWERERS": answer_texts.ANSWERERS, "WHY_NOT": answer_texts.WHY_NOT}


@pytest.mark.parametrize("table", TABLES)
def test_both_languages_say_the_same_with_the_same_values(table: str) -> None:
    """No text is missing, and each takes what the other takes."""
    for key, (english, chinese) in TABLES[table].items():
        assert english, key
        assert chinese, key
        places = [set(re.findall(r"\{(\w+)\}", said)) for said in (english, chinese)]
        assert places[0] == places[1] or table == "_ADVICE", key
        if key not in {"other-language", "rater"}:
            assert not re.search(r"[\u4e00-\u9fff]", english), key


def test_every_kind_has_its_words() -> None:
    """A new kind of alert, line, charge or verdict without words would break a page."""
    assert set(get_args(AlertKind)) == set(TABLES["_ALERTS"])
    assert set(get_args(AnsweredBy)) == set(TABLES["ANSWERERS"])
    assert set(get_args(NotConnected)) == set(TABLES["WHY_NOT"])
    assert set(LINE_METERS) == set(TABLES["_METERS"])
    assert set(get_args(Verdict)) == set(TABLES["_VERDICTS"])
    assert {f"{kind}-kind" for kind in get_args(ChargeKind)} <= set(texts.TEXTS)


SAID = {"texts.py", "page_texts.py"}
"""Where the labels themselves stand."""


def test_every_label_that_is_asked_for_is_there_and_used() -> None:
    """In the pages and their parts; a label that nobody asks for is thrown away."""
    sources = "".join(
        path.read_text() for path in FOLDER.rglob("*") if path.suffix in {".py", ".html"} and path.name not in SAID
    )
    asked = set(re.findall(r'say\("([a-z-]+)"', sources)) | set(re.findall(r'text\(language, "([a-z-]+)"', sources))
    assert asked <= set(texts.TEXTS), asked - set(texts.TEXTS)
    sources += "".join(path.read_text() for room in OTHERS for path in room.glob("*.py") if path.name not in SAID)
    unused = {key for key in texts.TEXTS if f'"{key}"' not in sources and f"'{key}'" not in sources}
    assert {key for key in unused - {*DIRECTIONS} if not key.endswith("-kind")} == set()
