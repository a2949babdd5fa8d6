"""The commands' own tables in English and Chinese."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from rater.audit.report import FindingKind, Report
from rater.cli.audit import show
from rater.cli.audit_texts import AUDIT
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


def test_the_audit_says_each_kind_of_finding_in_both() -> None:
    """And its verdicts."""
    assert set(get_args(FindingKind)) <= set(AUDIT)
    for word, (english, chinese) in AUDIT.items():
        assert re.findall(r"{(\w+)}", english) == re.findall(r"{(\w+)}", chinese), word
        assert re.search(r"[\u4e00-\u9fff]", chinese), word


@pytest.mark.parametrize(
    ("off", "unproven", "said"), [(0, [], "已证明"), (0, ["gone"], "未能全部证明"), (1, [], "账目不符")]
)
def test_the_audit_is_told_in_chinese(
    off: int, unproven: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its figures, what is off, and the verdict."""
    report = Report(records=3, charges=2)
    report.unproven += unproven
    if off:
        report.add_finding("gap", "charges/0/7", "A:2026-11:3")
    show(report, "zh")
    told = capsys.readouterr().out
    assert said in told
    assert "日志记录数" in told
    assert ("计费序号不连续" in told) == bool(off)


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
