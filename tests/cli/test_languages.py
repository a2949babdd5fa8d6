"""The commands' own tables in English and Chinese."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rater.cli.table_texts import WORDS
from tests.cli.test_rate import call, subscribed
from tests.support.command import Rater
from tests.support.logs import book, published

CLI = Path(__file__).parents[2] / "rater" / "cli"


def test_both_languages_say_each_word_with_the_same_values() -> None:
    """And no word is there that nobody says."""
    sources = "".join(path.read_text() for path in CLI.glob("*.py") if path.name != "table_texts.py")
    for word, (english, chinese) in WORDS.items():
        assert re.findall(r"{(\w+)}", english) == re.findall(r"{(\w+)}", chinese), word
        assert re.search(r"[\u4e00-\u9fff（]", chinese), word
        assert f'"{word}"' in sources, word


@pytest.mark.parametrize(("language", "words"), [("en", ("account", "total")), ("zh", ("账户", "合计"))])
def test_tables_are_in_the_language_that_is_asked_for(rater: Rater, language: str, words: tuple[str, ...]) -> None:
    """By option, and by the locale."""
    plans = {"p": {"minutes": {"rate": "1"}}}
    log = [published(book(plans)), subscribed("A", "p"), call("A", 1, 3)]
    Path("log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in log))
    plans["p"] = {"minutes": {"rate": "2"}}
    Path("other.yaml").write_text(json.dumps(book(plans, version=2)))
    said = rater("rate", "log.jsonl", "--summary", "--language", language).stdout
    assert all(word in said for word in words)
    assert words[0] in rater("rerate", "log.jsonl", "--tariffs", "other.yaml", "--language", language).stdout
    back = {"p": plans["p"] | {"effective": "2026-11-01T00:00:00+08:00", "reach_back": True}}
    Path("back.yaml").write_text(json.dumps(book(back, version=2)))
    told = rater("tariffs", "publish", "back.yaml", "--what-if", "log.jsonl", "--language", language).stdout
    assert words[0] in told
    assert "+3.00" in told


def test_the_locale_decides_where_nothing_is_said(rater: Rater, monkeypatch: pytest.MonkeyPatch) -> None:
    """LANG=zh_CN.UTF-8."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    log = [published(book({"p": {"minutes": {"rate": "1"}}})), subscribed("A", "p"), call("A", 1, 3)]
    Path("log.jsonl").write_text("".join(json.dumps(event) + "\n" for event in log))
    assert "账户" in rater("rate", "log.jsonl", "--summary").stdout
