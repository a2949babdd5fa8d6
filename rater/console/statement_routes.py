"""Where statements are: each as a page and as PDF, with an annex of every charge."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import FastAPI, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from rater.console.answers import Moment, known
from rater.console.api import AccountPath, PeriodName
from rater.console.languages import language_of
from rater.console.problems import Problem
from rater.console.statement_page import StatementLook, as_html, as_pdf, statement_number
from rater.kafka.failstop import Refused
from rater.readmodel.directory import Directory
from rater.readmodel.statement import Statement, statement
from rater.readmodel.texts import Language

ChosenLanguage = Annotated[Language | None, Query()]
StatementPart = Annotated[Literal["annex", "pdf"], Path()]


def install(app: FastAPI, directory: Directory, *, numbers: bool) -> None:
    """Put the pages at their places; `numbers` says whether called numbers are shown."""

    def look_of(request: Request, found: Statement, language: Language | None, **how: bool) -> StatementLook:
        return StatementLook.of(directory, found, language, language_of(request), numbers=numbers, **how)

    def html(request: Request, found: Statement, language: Language | None, *, annex: bool) -> Response:
        pieces = as_html(found, look_of(request, found, language, annex=annex, links=True))
        return StreamingResponse(pieces, media_type="text/html; charset=utf-8", headers={"Cache-Control": "no-store"})

    def pdf(request: Request, found: Statement, language: Language | None, *, annex: bool) -> Response:
        look = look_of(request, found, language, annex=annex)
        name = f"{statement_number(found)}{'-annex' if annex else ''}.pdf"
        try:
            made = as_pdf(found, look)
        except Refused as error:
            raise Problem(501, "not-installed", str(error)) from error
        headers = {"Cache-Control": "no-store", "Content-Disposition": f'inline; filename="{_plain(name)}"'}
        return Response(made, media_type="application/pdf", headers=headers)

    @app.get("/statement/{account}/{period}", include_in_schema=False)
    def statement_page(
        request: Request, at: Moment, account: AccountPath, period: PeriodName, language: ChosenLanguage = None
    ) -> Response:
        """What an account's period comes to, on one page."""
        return html(request, _found(at, account, period), language, annex=False)

    @app.get("/statement/{account}/{period}/{part}", include_in_schema=False)
    def statement_part(
        request: Request,
        at: Moment,
        account: AccountPath,
        period: PeriodName,
        part: StatementPart,
        language: ChosenLanguage = None,
    ) -> Response:
        """The annex with every charge, or the statement as PDF."""
        found = _found(at, account, period)
        return (pdf if part == "pdf" else html)(request, found, language, annex=part == "annex")

    @app.get("/statement/{account}/{period}/annex/pdf", include_in_schema=False)
    def annex_pdf(
        request: Request, at: Moment, account: AccountPath, period: PeriodName, language: ChosenLanguage = None
    ) -> Response:
        """The annex as PDF."""
        return pdf(request, _found(at, account, period), language, annex=True)


def _found(at: Moment, account: str, period: str) -> Statement:
    return known(statement(at, account, period), f"{account} {period}")


def _plain(name: str) -> str:
    return "".join(one if one.isascii() and (one.isalnum() or one in "-_.") else "_" for one in name)
