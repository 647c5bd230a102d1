"""What each type of group asks for, answered by the library: encoding, texts, suite, Merkle trees, identities."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import siegel.sealing_keys
from siegel import Contacts, Identity, PublicIdentity, SealingKeys, Succession, UserId, safety_number, safety_qr
from siegel._core import bech32m, codec, padding, suite
from siegel._core.labels import Label, labelled
from siegel._core.secret import Secret
from siegel.errors import SiegelError
from siegel.events import ContactEvent, ForkDetected, SealingKeyShared, SuccessionClaimed
from siegel.identity import sealing_secret
from siegel.merkle import MerkleTree, check_consistency, leaf_hash, root_from_path
from siegel.safety import check_safety
from siegel.words import from_words
from tests.vectors.notation import Case, Outcome, expand, spell, unspell
from tests.vectors.reference.operations import Operation

# --- encoding, padding, labels ----------------------------------------------------------------------------------------


def decode(case: Case) -> Outcome:
    data = case.data("data")
    value = codec.decode(data)
    assert codec.encode(value) == data
    return Outcome({"value": spell(value)})


def bucket(case: Case) -> Outcome:
    return Outcome({"size": padding.padme(case.input["length"])})


def pad(case: Case) -> Outcome:
    text = case.data("text")
    padded = padding.pad(text)
    assert padding.unpad(padded) == text
    return Outcome({"padded": padded})


def unpad(case: Case) -> Outcome:
    return Outcome({"text": padding.unpad(case.data("padded"))})


def labelled_bytes(case: Case) -> Outcome:
    label = next(label for label in Label if label.text == case.input["label"])
    data = labelled(label, *unspell(case.input["items"]))
    return Outcome({"bytes": data, "sha256": suite.sha256(data)})


# --- texts ------------------------------------------------------------------------------------------------------------


def user_id_text(case: Case) -> Outcome:
    user_id = UserId.parse(case.input["text"])
    return Outcome({"userId": bytes(user_id), "text": str(user_id)})


def _secret(identity: Identity) -> dict[str, Any]:
    secret = from_words(identity.words())
    assert identity.reveal() == bech32m.encode("siegel-secret-", secret)
    user_id = bytes(identity.user_id)
    return {"secret": secret, "userId": user_id, "text": identity.reveal(), "words": identity.words()}


def secret_text(case: Case) -> Outcome:
    return Outcome(_secret(Identity.parse(case.input["text"])))


def words(case: Case) -> Outcome:
    return Outcome(_secret(Identity.from_words(case.input["words"])))


# --- suite ------------------------------------------------------------------------------------------------------------


def ed25519_verify(case: Case) -> Outcome:
    suite.verify(case.data("publicKey"), case.data("message"), case.data("signature"))
    return Outcome({"verified": True})


def hkdf(case: Case) -> Outcome:
    salt, info, material = case.data("salt"), case.data("info"), case.data("secret")
    output = suite.hkdf(salt=salt, secret=Secret(material), info=info).reveal()
    extracted = suite.hkdf_extract(salt=salt, material=material)
    assert suite.hkdf_expand_pair(extracted, info=info)[0] == output
    return Outcome({"output": output}, {"extracted": extracted.reveal()})


def content_keys(case: Case) -> Outcome:
    info = labelled(Label.CONTENT_KEYS, case.data("root"))
    commitment, body_key = suite.hkdf_expand_pair(Secret(case.data("contentSecret")), info=info)
    suite.require_equal(commitment, case.data("commitment"))
    return Outcome({"bodyKey": body_key.reveal()})


def content_encrypt(case: Case) -> Outcome:
    sealed = suite.encrypt_once(Secret(case.data("key")), case.data("plaintext"), aad=case.data("aad"))
    return Outcome({"sealed": sealed})


def content_decrypt(case: Case) -> Outcome:
    plaintext = suite.decrypt_once(Secret(case.data("key")), case.data("sealed"), aad=case.data("aad"))
    return Outcome({"plaintext": plaintext})


def sealing_seed(case: Case) -> Outcome:
    key = suite.SealingSecretKey(Secret(case.data("seed")))
    suite.SealingPublicKey(key.public, where="sealing key")
    return Outcome({"sealingKey": key.public})


def hpke_open(case: Case) -> Outcome:
    key = suite.SealingSecretKey(Secret(case.data("seed")))
    return Outcome({"plaintext": suite.hpke_open(key, case.data("sealed"), info=case.data("info")).reveal()})


# --- Merkle trees -----------------------------------------------------------------------------------------------------


def merkle_tree(case: Case) -> Outcome:
    leaves = [leaf_hash(expand(leaf)) for leaf in case.input["leaves"]]
    tree = MerkleTree(leaves)
    paths = [tree.inclusion_path(index) for index in range(tree.size)]
    return Outcome({"root": tree.root, "paths": paths}, {"leafHashes": leaves})


def inclusion(case: Case) -> Outcome:
    given, path = case.input, [expand(node) for node in case.input["path"]]
    return Outcome({"root": root_from_path(case.data("leafHash"), index=given["index"], size=given["size"], path=path)})


def consistency(case: Case) -> Outcome:
    check_consistency(
        old_size=case.input["oldSize"],
        old_root=case.data("oldRoot"),
        new_size=case.input["newSize"],
        new_root=case.data("newRoot"),
        proof=[expand(node) for node in case.input["proof"]],
    )
    return Outcome({"consistent": True})


# --- identities -------------------------------------------------------------------------------------------------------


def derive(case: Case) -> Outcome:
    identity = Identity.from_secret(case.data("secret"))
    outcome = _secret(identity) | {"sealingKey": sealing_secret(identity).public, "userIdText": str(identity.user_id)}
    salt, secret = Label.IDENTITY.text.encode(), Secret(case.data("secret"))
    derived = {
        label.text.removeprefix("siegel/1 "): suite.hkdf(salt=salt, secret=secret, info=labelled(label)).reveal()
        for label in Label
        if label.name.startswith("DERIVE_")
    }
    assert suite.SigningKey(Secret(derived["sign"])).public == outcome["userId"]
    assert suite.SealingSecretKey(Secret(derived["seal"])).public == outcome["sealingKey"]
    return Outcome(outcome, derived)


def _fields(record: PublicIdentity) -> tuple[dict[str, Any], bytes]:
    """The record's fields, and the bytes that its signature covers."""
    numbers = record.sealing_number, record.issued_at, record.not_after
    values = bytes(record.user_id), record.sealing_key.data, *numbers
    names = "userId", "sealingKey", "sealingNumber", "issuedAt", "notAfter"
    return dict(zip(names, values, strict=True)), labelled(Label.PUBLIC_IDENTITY, 1, 1, *values)


def issue(case: Case) -> Outcome:
    record = Identity.from_secret(case.data("secret")).public(at=case.now)
    return Outcome({"record": record.encode()}, {"signedPart": _fields(record)[1]})


def public_identity(case: Case) -> Outcome:
    record = PublicIdentity.decode(case.data("record"), at=case.now)
    assert record.encode() == case.data("record")
    fields, signed_part = _fields(record)
    return Outcome(fields, {"signedPart": signed_part})


@contextmanager
def seeds_of_rotation(seeds: list[bytes]) -> Generator[None]:
    """The seeds that ``rotate`` draws: the public interface takes no random generator, so one is put under it."""
    with mock.patch.object(siegel.sealing_keys, "random_bytes", side_effect=seeds):
        yield


def sealing_keys(case: Case) -> Outcome:
    given = case.input
    keys = SealingKeys(Identity.from_secret(case.data("secret")), life=given["life"], grace=given["grace"])
    results: list[dict[str, Any]] = []
    with seeds_of_rotation([expand(seed) for seed in case.random["seeds"]]):
        for step in given["steps"]:
            before = keys.encode()
            try:
                if step["do"] == "expire":
                    results.append({"deleted": keys.expire(at=step["at"])})
                elif step["do"] == "rotate":
                    results.append({"record": keys.rotate(at=step["at"]).encode()})
                else:
                    record = keys.public(replace_rotating=step["replaceRotating"], at=step["at"])
                    results.append({"record": record.encode()})
            except SiegelError:
                assert keys.encode() == before
                raise
    return Outcome({"results": results, "held": list(keys.numbers)})


def succession(case: Case) -> Outcome:
    record = Succession.decode(case.data("succession"))
    assert record.encode() == case.data("succession")
    old, new = bytes(record.old), bytes(record.new)
    return Outcome(
        {"old": old, "new": new, "at": record.at}, {"signedPart": labelled(Label.SUCCESSION, 8, 1, old, new, record.at)}
    )


def succeed(case: Case) -> Outcome:
    old, new = Identity.from_secret(case.data("oldSecret")), Identity.from_secret(case.data("newSecret"))
    return Outcome({"succession": Succession.create(old=old, new=new, at=case.now).encode()})


def safety(case: Case) -> Outcome:
    ours, theirs = UserId(case.data("ours")), UserId(case.data("theirs"))
    return Outcome({"number": safety_number(ours, theirs), "qr": safety_qr(ours, theirs)})


def compare_safety(case: Case) -> Outcome:
    seen = case.input["number"] if "number" in case.input else case.data("qr")
    check_safety(seen, ours=UserId(case.data("ours")), theirs=UserId(case.data("theirs")))
    return Outcome({"same": True})


# --- contacts ---------------------------------------------------------------------------------------------------------


def _states(contacts: Contacts) -> dict[str, str]:
    found = {bytes(user_id).hex(): contacts.state(user_id) for user_id in contacts}
    return {user_id: state.name.lower() for user_id, state in found.items() if state is not None}


def contact_steps(case: Case) -> Outcome:
    contacts = Contacts(UserId(case.data("ours")) if case.input["ours"] else None)
    events: list[Any] = []
    for step, following in itertools.zip_longest(case.input["steps"], case.input["steps"][1:]):
        try:
            events = _contact_step(contacts, case, step)
        except SiegelError as error:
            case.after["states"] = _states(contacts)
            if following is None or error.code != step.get("refused"):
                raise
        else:
            assert "refused" not in step
    assert _states(Contacts.decode(contacts.encode())) == _states(contacts)
    return Outcome({"events": events, "states": _states(contacts)})


def _contact_step(contacts: Contacts, case: Case, step: dict[str, Any]) -> list[Any]:
    signed = case.fixture["signed"]
    user_id = UserId(expand(step["userId"])) if "userId" in step else None
    match step["do"]:
        case "add":
            record = PublicIdentity.decode(expand(signed[step["record"]]), at=case.now)
            return [_event(event) for event in contacts.add(record, name=step.get("name"))]
        case "accept":
            record = PublicIdentity.decode(expand(signed[step["record"]]), at=case.now)
            contacts.accept(record, name=step.get("name"))
        case "succeed":
            return [_event(event) for event in contacts.succeed(Succession.decode(expand(signed[step["succession"]])))]
        case "verify":
            assert user_id is not None
            contacts.verify(user_id, step["number"] if "number" in step else expand(step["qr"]))
        case "get":
            return [{"record": contacts.get(step["name"] if user_id is None else user_id).encode()}]
        case "require":
            assert user_id is not None
            contacts.require(user_id)
        case other:
            raise AssertionError(other)
    return []


def _event(event: ContactEvent) -> dict[str, list[bytes]]:
    match event:
        case SealingKeyShared(user_id=user_id, other=other):
            return {"sealingKeyShared": [bytes(user_id), bytes(other)]}
        case SuccessionClaimed(old=old, new=new):
            return {"successionClaimed": [bytes(old), bytes(new)]}
        case ForkDetected(user_id=user_id, evidence=evidence):
            return {"forkDetected": [bytes(user_id), *evidence]}


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
    "safety-number": safety,
    "check-safety": compare_safety,
    "contacts": contact_steps,
}
