"""What is wrong with how a page looks, measured in the browser: for tests, and for whoever changes a page."""

from __future__ import annotations

import re
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

NAMES = frozenset(
    "rater API REST CNY CSV JSON Lines Parquet PDF OpenAPI Kafka UTC UTF Asia Shanghai English FreeSWITCH pbx".split()  # noqa: SIM905
)
"""Latin words that stand on Chinese pages as they are."""
_IDS = re.compile(
    r"[A-Za-z0-9]+(?:[-_@:./][A-Za-z0-9*]+)+"  # plans, calls, charges, places, commands' words, zones
    r"|\b[A-Z]+\d+\b|\{[^}]*\}?"
)
_WORD = re.compile(r"[A-Za-z]{2,}")

BROKEN = """
() => {
  const pattern = /^(?:[A-Z]\\d{6}|\\d{4}-\\d{2}(?:-\\d{2})?|[+-]?\\d[\\d,]*\\.\\d+|\\d{2}:\\d{2}:\\d{2})$/;
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!element || element.closest('svg, canvas, script, style, code, pre')) continue;
    if (!element.getClientRects().length) continue;
    for (const match of node.data.matchAll(/\\S+/g)) {
      if (!pattern.test(match[0])) continue;
      const range = document.createRange();
      range.setStart(node, match.index); range.setEnd(node, match.index + match[0].length);
      const tops = new Set([...range.getClientRects()].map(rect => Math.round(rect.top)));
      const box = range.getBoundingClientRect();
      const scrolls = element.closest('.r-scroll, .scroll');
      if (tops.size > 1) found.push('broken: ' + match[0]);
      else if (!scrolls && (box.right > window.innerWidth + 1 || box.left < -1)) found.push('cut: ' + match[0]);
    }
  }
  return found;
}
"""


WRITTEN = """
() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!element || element.closest('script, style, code, pre, .nicegui-error-popup, [lang="en"]')) continue;
    if (!element.checkVisibility()) continue;
    found.push(walker.currentNode.data);
  }
  return found.join(' ');
}
"""


async def written(page: Page) -> str:
    """What can be read on a page, without code and what is marked as English."""
    found: str = await page.evaluate(WRITTEN)
    return found


async def broken_words(page: Page) -> list[str]:
    """Ids, dates, times and amounts that stand over two lines, or outside the window."""
    found: list[str] = await page.evaluate(BROKEN)
    return found


async def against_axe(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical, with an example each."""
    found: dict[str, Any] = (await Axe().run(page)).response
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


def foreign_words(text: str, known: frozenset[str] = frozenset()) -> list[str]:
    """Latin words of a Chinese page that are on no list of names; ids, plans and places are none."""
    plain = _IDS.sub(" ", text)
    return sorted({word for word in _WORD.findall(plain) if word not in NAMES and word not in known})
