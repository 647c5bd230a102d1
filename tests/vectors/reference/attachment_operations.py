"""What each type of group asks for, answered by the reference: attachments."""

from __future__ import annotations

from typing import Any, Final

from tests.vectors.notation import Case, Outcome, brief
from tests.vectors.reference import Refused, attachment, cbor, require
from tests.vectors.reference.operations import Operation


def reference(case: Case) -> Outcome:
    found = attachment.read(case.data("reference"))
    fields = {
        "role": attachment.ROLES[found.role],
        "key": found.key,
        "size": found.size,
        "ciphertextSize": found.stream_size,
        "digest": found.digest,
        "mediaType": found.media_type,
        "name": found.name,
        "thumbnail": None if found.thumbnail is None else brief(found.thumbnail),
    }
    return Outcome(fields, {"paddedSize": found.padded, "context": found.context})


def describe(case: Case) -> Outcome:
    given: dict[str, Any] = case.input
    thumbnail = case.data("thumbnail") if given["thumbnail"] is not None else None
    draft = attachment.Reference(0, b"", 0, 0, b"", given["mediaType"], given["name"], thumbnail)
    try:
        require(given["role"] in attachment.ROLES, "argument")
        cbor.read(cbor.text(draft.name or ""))
        attachment.check_limits(draft)
        attachment.check_description(draft)
    except Refused:
        raise Refused("argument", "invalid-argument") from None
    return Outcome({"allowed": True})


def stream(case: Case) -> Outcome:
    released: list[bytes] = []
    key, context, data = case.data("key"), case.data("context"), case.joined("stream")
    try:
        text = attachment.decrypt(key, context, data, released)
    except Refused:
        case.after["released"] = brief(b"".join(released))
        raise
    keys = attachment.keys_of(key, data[:24], context)
    assert attachment.encrypt(key, context, data[:24], text) == data
    return Outcome({"text": brief(text)}, {"aeadKey": keys.aead, "baseNonce": keys.base})


def chunk(case: Case) -> Outcome:
    keys = attachment.begin(case.data("key"), case.data("context"), case.data("header"))
    return Outcome({"text": brief(keys.open(case.input["index"], case.joined("chunk")))})


def whole(case: Case) -> Outcome:
    found = attachment.read(case.data("reference"))
    return Outcome({"payload": brief(attachment.open_whole(found, case.joined("stream")))})


def part(case: Case) -> Outcome:
    found = attachment.read(case.data("reference"))
    given = case.input
    return Outcome({"bytes": brief(attachment.open_part(found, case.joined("stream"), given["first"], given["count"]))})


OPERATIONS: Final[dict[str, Operation]] = {
    "attachment-reference": reference,
    "describe-attachment": describe,
    "stream": stream,
    "chunk": chunk,
    "attachment": whole,
    "attachment-part": part,
}
