"""Bodies of requests, read up to a limit, also when they are packed: a small body can unpack to a large one."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from rater.console.problems import Problem

LARGEST = 4 * 1024 * 1024
"""Bytes of a body, packed and unpacked."""


async def body_of(request: Request, largest: int = LARGEST) -> bytes:
    """The body, unpacked. Raises `Problem` where it is larger, broken, or packed in a way that is not known."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip", "deflate"}:
        raise Problem(415, "unknown-encoding", "a body is plain, or packed by gzip or deflate")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > largest:
        raise _too_large(largest)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise _too_large(largest)
    return bytes(body) if encoding == "identity" else _unpacked(bytes(body), largest)


def _unpacked(body: bytes, largest: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        data = unpacker.decompress(body, largest + 1)
    except zlib.error as error:
        raise Problem(400, "broken-body", "the body cannot be unpacked") from error
    if len(data) > largest or unpacker.unconsumed_tail:
        raise _too_large(largest)
    if not unpacker.eof:
        raise Problem(400, "broken-body", "the body is cut off")
    return data


def _too_large(largest: int) -> Problem:
    return Problem(413, "too-large", f"a body has at most {largest:,} bytes; send it in parts")
