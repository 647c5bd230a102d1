"""What each type of group asks for, answered by the reference: encoding, texts, suite, Merkle trees, identities."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.vectors.notation import Case, Outcome, expand, spell, unspell
from tests.vectors.reference import LATEST, Refused, cbor, contacts, curve, hpke, identity, merkle, require, texts
from tests.vectors.reference.labels import hkdf_expand, hmac_sha256, labelled, sha256

Operation: TypeAlias = Callable[[Case], Outcome]

# --- encoding, padding, labels ----------------------------------------------------------------------------------------


def encoded(value: Any) -> bytes:
    """The encoding of a value of ``spell``'s kinds."""
    if isinstance(value, bool) or value is None:
        return {False: cbor.FALSE, True: cbor.TRUE, None: cbor.NULL}[value]
    if isinstance(value, dict):
        return cbor.mapping(*((cbor.uint(key), encoded(item)) for key, item in value.items()))
    if isinstance(value, list):
        return cbor.array(*map(encoded, value))
    if isinstance(value, int):
        return cbor.uint(value)
    return cbor.text(value) if isinstance(value, str) else cbor.octets(value)


def decode(case: Case) -> Outcome:
    data = case.data("data")
    value = cbor.read(data)
    assert encoded(value) == data
    return Outcome({"value": spell(value)})


def bucket(case: Case) -> Outcome:
    return Outcome({"size": texts.padme(case.input["length"])})


def pad(case: Case) -> Outcome:
    return Outcome({"padded": texts.pad(case.data("text"))})


def unpad(case: Case) -> Outcome:
    return Outcome({"text": texts.unpad(case.data("padded"))})


def labelled_bytes(case: Case) -> Outcome:
    name = case.input["label"].removeprefix("siegel/1 ")
    data = labelled(name, *map(encoded, unspell(case.input["items"])))
    return Outcome({"bytes": data, "sha256": sha256(data)})


# --- texts ------------------------------------------------------------------------------------------------------------


def user_id_text(case: Case) -> Outcome:
    data = texts.read_text(case.input["text"], "siegel")
    require(curve.is_strict(data), "signing-key")
    return Outcome({"userId": data, "text": texts.write_text("siegel", data)})


def _secret(secret: bytes) -> dict[str, Any]:
    texts.read_secret(secret)
    return {
        "secret": secret,
        "userId": identity.user_id(secret),
        "text": texts.write_text("siegel-secret-", secret),
        "words": texts.write_words(secret),
    }


def secret_text(case: Case) -> Outcome:
    return Outcome(_secret(texts.read_text(case.input["text"], "siegel-secret-")))


def words(case: Case) -> Outcome:
    return Outcome(_secret(texts.read_words(case.input["words"])))


# --- suite ------------------------------------------------------------------------------------------------------------


def ed25519_verify(case: Case) -> Outcome:
    curve.verify(case.data("publicKey"), case.data("message"), case.data("signature"))
    return Outcome({"verified": True})


def hkdf(case: Case) -> Outcome:
    extracted = hmac_sha256(case.data("salt"), case.data("secret"))
    return Outcome({"output": hkdf_expand(extracted, case.data("info"), 32)}, {"extracted": extracted})


def content_keys(case: Case) -> Outcome:
    keys = hkdf_expand(case.data("contentSecret"), labelled("content keys", cbor.octets(case.data("root"))), 64)
    require(keys[:32] == case.data("commitment"), "commitment", "invalid-message")
    return Outcome({"bodyKey": keys[32:]})


def content_decrypt(case: Case) -> Outcome:
    try:
        return Outcome(
            {"plaintext": AESGCM(case.data("key")).decrypt(bytes(12), case.data("sealed"), case.data("aad"))}
        )
    except InvalidTag:
        raise Refused("body", "invalid-message") from None


def content_encrypt(case: Case) -> Outcome:
    sealed = AESGCM(case.data("key")).encrypt(bytes(12), case.data("plaintext"), case.data("aad"))
    return Outcome({"sealed": sealed})


def sealing_seed(case: Case) -> Outcome:
    return Outcome({"sealingKey": hpke.public_key(case.data("seed"))})


def hpke_open(case: Case) -> Outcome:
    seed, sealed, info = (case.data(name) for name in ("seed", "sealed", "info"))
    if case.random:  # a valid vector can be sealed again from its eseed
        eseed, plain = expand(case.random["eseed"]), hpke.unseal(seed, sealed, info)
        assert hpke.seal(hpke.public_key(seed), eseed, info, plain) == sealed
    return Outcome({"plaintext": hpke.unseal(seed, sealed, info)})


# --- Merkle trees -----------------------------------------------------------------------------------------------------


def merkle_tree(case: Case) -> Outcome:
    leaves = [merkle.leaf(expand(leaf)) for leaf in case.input["leaves"]]
    paths = [merkle.path(index, leaves) for index in range(len(leaves))]
    return Outcome({"root": merkle.root(leaves), "paths": paths}, {"leafHashes": leaves})


def inclusion(case: Case) -> Outcome:
    path = [expand(node) for node in case.input["path"]]
    return Outcome({"root": merkle.root_of_path(case.data("leafHash"), case.input["index"], case.input["size"], path)})


def consistency(case: Case) -> Outcome:
    given, proof = case.input, [expand(node) for node in case.input["proof"]]
    roots = case.data("oldRoot"), case.data("newRoot")
    merkle.check_consistency(given["oldSize"], roots[0], given["newSize"], roots[1], proof)
    return Outcome({"consistent": True})


# --- identities -------------------------------------------------------------------------------------------------------


def derive(case: Case) -> Outcome:
    secret = case.data("secret")
    names = "sign", "seal", "store", "backup", "index", "hedge"
    outcome = _secret(secret) | {"sealingKey": identity.base_sealing_key(secret)}
    outcome["userIdText"] = texts.write_text("siegel", outcome["userId"])
    return Outcome(outcome, {name: identity.derive(secret, name) for name in names})


def _fields(record: identity.Record) -> dict[str, Any]:
    names = "userId", "sealingKey", "sealingNumber", "issuedAt", "notAfter"
    return dict(zip(names, record.unsigned(), strict=True))


def issue(case: Case) -> Outcome:
    record = identity.base_record(case.data("secret"), case.clock)
    return Outcome({"record": record.encode()}, {"signedPart": record.signed_part()})


def public_identity(case: Case) -> Outcome:
    record = identity.read_record(case.data("record"), case.clock)
    return Outcome(_fields(record), {"signedPart": record.signed_part()})


def sealing_keys(case: Case) -> Outcome:
    """ID-12, ID-13: a device that rotates, publishes number 0 and expires, with its clock and randomness given."""
    secret, life, grace = case.data("secret"), case.input["life"], case.input["grace"]
    seeds = iter(case.random.get("seeds", []))
    held: dict[int, int] = {}
    newest, results = 0, list[dict[str, Any]]()
    for step in case.input["steps"]:
        if step["do"] == "expire":
            deleted = [number for number, forget_at in held.items() if forget_at <= step["at"]]
            held = {number: forget_at for number, forget_at in held.items() if number not in deleted}
            results.append({"deleted": deleted})
            continue
        require(step["do"] == "rotate" or not held or step["replaceRotating"], "argument", "invalid-argument")
        require(step["at"] <= LATEST, "argument", "invalid-argument")
        issued_at = max(step["at"], newest + 1)
        require(issued_at + max(life + grace, identity.RECORD_LIFE) <= LATEST, "clock", "invalid-argument")
        newest = issued_at
        if step["do"] == "rotate":
            held[newest] = newest + life + grace
            results.append({"record": identity.rotating_record(secret, expand(next(seeds)), newest, life).encode()})
        else:
            results.append({"record": identity.base_record(secret, newest).encode()})
    return Outcome({"results": results, "held": list(held)})


def succession(case: Case) -> Outcome:
    record = identity.read_succession(case.data("succession"))
    return Outcome({"old": record.old, "new": record.new, "at": record.at}, {"signedPart": record.signed_part()})


def succeed(case: Case) -> Outcome:
    require(case.input["oldSecret"] != case.input["newSecret"], "argument", "invalid-argument")
    record = identity.succession(case.data("oldSecret"), case.data("newSecret"), case.clock)
    return Outcome({"succession": record.encode()})


def safety_number(case: Case) -> Outcome:
    ours, theirs = case.data("ours"), case.data("theirs")
    number, qr = identity.safety_number(ours, theirs), identity.safety_qr(ours, theirs)
    return Outcome({"number": number, "qr": qr})


def check_safety(case: Case) -> Outcome:
    seen = case.input["number"] if "number" in case.input else case.data("qr")
    identity.check_safety(seen, case.data("ours"), case.data("theirs"))
    return Outcome({"same": True})


def contact_steps(case: Case) -> Outcome:
    """The last step is the one that is judged; an earlier one may be refused, with the code that it names."""
    book = contacts.Book(case.data("ours") if case.input["ours"] else None)
    events: list[Any] = []
    for step, following in itertools.zip_longest(case.input["steps"], case.input["steps"][1:]):
        try:
            events = _contact_step(book, case, step)
        except Refused as refused:
            case.after["states"] = book.states()
            if following is None or refused.code != step.get("refused"):
                raise
        else:
            assert "refused" not in step
    return Outcome({"events": events, "states": book.states()})


def _contact_step(book: contacts.Book, case: Case, step: dict[str, Any]) -> list[Any]:
    signed = {name: expand(data) for name, data in case.fixture["signed"].items()}
    user_id = expand(step["userId"]) if "userId" in step else b""
    match step["do"]:
        case "add":
            return book.add(signed[step["record"]], case.clock, step.get("name"))
        case "accept":
            return book.accept(signed[step["record"]], case.clock, step.get("name"))
        case "succeed":
            return book.succeed(signed[step["succession"]])
        case "verify":
            return book.verify(user_id, step["number"] if "number" in step else expand(step["qr"]))
        case "get":
            return [{"record": book.get(step.get("name", user_id))}]
        case "require":
            book.require(user_id)
            return []
        case other:
            raise AssertionError(other)


OPERATIONS: Final[dict[str, Operation]] = {
    "decode": decode,
    "bucket": bucket,
    "pad": pad,
    "unpad": unpad,
    "labelled": labelled_bytes,
    "user-id": user_id_text,
    "secret-text": secret_text,
    "words": words,
    "ed25519-verify": ed25519_verify,
    "hkdf": hkdf,
    "content-keys": content_keys,
    "content-encrypt": content_encrypt,
    "content-decrypt": content_decrypt,
    "sealing-seed": sealing_seed,
    "hpke-open": hpke_open,
    "merkle-tree": merkle_tree,
    "inclusion": inclusion,
    "consistency": consistency,
    "derive": derive,
    "issue": issue,
    "public-identity": public_identity,
    "sealing-keys": sealing_keys,
    "succession": succession,
    "succeed": succeed,
    "safety-number": safety_number,
    "check-safety": check_safety,
    "contacts": contact_steps,
}
