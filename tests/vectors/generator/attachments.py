"""Category ``attachment``: references and hostile names, streams, chunks alone, payloads whole and in parts."""

from __future__ import annotations

from tests.vectors.generator.attachment_references import described, references, refused_names, refused_references
from tests.vectors.generator.attachment_streams import chunks_alone, streams
from tests.vectors.generator.attachment_whole import parts, payloads
from tests.vectors.generator.book import Category


def category() -> Category:
    """The vectors of this file."""
    book = Category("attachment")
    base = references(book.group("attachment-reference", 55_001))
    refused_references(book.group("attachment-reference", 55_101), base)
    refused_names(book.group("attachment-reference", 55_201), base)
    described(book.group("describe-attachment", 55_401))
    streams(book, 55_501)
    chunks_alone(book, 55_601)
    payloads(book, 55_701)
    parts(book, 55_801)
    return book
