"""What is sealed opens for whom it was sealed, as it was sealed, and for nobody else."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siegel import Contacts, Identity, PublicIdentity, UserId, letters, open_sealed, seal
from siegel._core import bech32m
from siegel._core.codec import encode
from siegel._core.instants import LATEST
from siegel._core.padding import FLOOR, pad, padme, unpad
from siegel.audience import audience_leaves, audience_tree
from siegel.envelope import parse_envelope
from siegel.errors import MalformedError, NotARecipient
from siegel.merkle import MerkleTree, check_consistency, root_from_path
from siegel.safety import check_safety, safety_number, safety_qr
from siegel.sealed import seal_content, seal_each
from siegel.words import from_words, to_words
from tests.people import AT, DAY, company, person
from tests.properties.strategies import texts

PEOPLE = company(6)
NAMES = {person(name).user_id: name for name in ("alice", "bob", *(f"colleague {number}" for number in range(2, 6)))}
content_types = texts.filter(lambda text: 0 < len(text.encode()) <= 255 and not text.startswith("siegel/"))
bodies = st.one_of(st.binary(max_size=2000), st.integers(0, 70_000).map(bytes))


@settings(max_examples=60)
@given(
    body=bodies,
    content_type=content_types,
    at=st.integers(0, AT + 90 * DAY - 1),
    recipients=st.lists(st.sampled_from(PEOPLE), min_size=1, unique_by=lambda record: record.user_id),
    private=st.booleans(),
    signed=st.booleans(),
)
def test_sealed_messages(
    *, body: bytes, content_type: str, at: int, recipients: list[PublicIdentity], private: bool, signed: bool
) -> None:
    sender = person("alice") if signed else None
    envelope = seal(body, sender=sender, recipients=recipients, content_type=content_type, private=private, at=at)
    by_user = dict(letters(envelope))
    named = {record.user_id for record in recipients}
    assert by_user.keys() == named
    for user_id, name in NAMES.items():
        for data in (envelope, by_user.get(user_id)):
            if data is None:
                continue
            if user_id not in named:
                with pytest.raises(NotARecipient):
                    open_sealed(data, identity=person(name), contacts=list(NAMES), allow_anonymous=True)
                continue
            read = open_sealed(data, identity=person(name), contacts=list(NAMES), allow_anonymous=True)
            assert (read.body, read.content_type, read.sent_at) == (body, content_type, at)
            assert (read.private, read.recipient_count, read.late) == (private, len(named), False)
            assert read.sender == (sender.user_id if sender else None)
            assert read.recipients is None if private or not sender else set(read.recipients or ()) == named


@settings(max_examples=60)
@given(st.integers(0, 3000), st.integers(0, 3000))
def test_a_size_tells_the_bucket_and_no_more(one: int, other: int) -> None:
    sizes = [len(seal(bytes(n), sender=person("alice"), recipients=PEOPLE[:1], at=AT)) for n in (one, other)]
    if one <= other:
        assert sizes[0] <= sizes[1]
    if sizes[0] != sizes[1]:
        assert one != other


# --- the parts -------------------------------------------------------------------------------------------------------


@given(
    nonce=st.binary(min_size=32, max_size=32),
    ids=st.sets(st.binary(min_size=32, max_size=32), min_size=1),
    seed=st.randoms(),
)
def test_an_audience_is_a_set(nonce: bytes, ids: set[bytes], seed: Random) -> None:
    by_leaf = dict(zip(audience_leaves(nonce, list(ids)), ids, strict=True))
    ordered = [by_leaf[leaf] for leaf in sorted(by_leaf)]
    root = audience_tree(nonce, ordered, where="there").root
    shuffled = ordered.copy()
    seed.shuffle(shuffled)
    if shuffled == ordered:
        assert audience_tree(nonce, shuffled, where="there").root == root
    else:
        with pytest.raises(MalformedError):
            audience_tree(nonce, shuffled, where="there")


@settings(max_examples=30)
@given(st.permutations(PEOPLE), st.booleans())
def test_the_order_of_the_recipients_does_not_show(order: list[PublicIdentity], private: bool) -> None:  # noqa: FBT001  # drawn
    headers, entries = zip(
        *(sealed_to(recipients, private=private) for recipients in (list(PEOPLE), order)), strict=True
    )
    assert headers[0] == headers[1]
    assert entries[0] == entries[1]


def sealed_to(recipients: list[PublicIdentity], *, private: bool) -> tuple[bytes, list[UserId]]:
    """Header and labels of an envelope from fixed randomness."""
    envelope = parse_envelope(
        seal_content(
            encode(["a", AT, b""]),
            sender=person("alice"),
            recipients=recipients,
            private=private,
            nonce=bytes(32),
            salt=bytes(32),
            sealer=seal_each,
        )
    )
    return envelope.header.encoded, [UserId(entry.user_id) for entry in envelope.entries]


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=200), st.data())
def test_merkle_proofs(leaves: list[bytes], data: st.DataObject) -> None:
    tree = MerkleTree(leaves)
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = tree.inclusion_path(index)
    assert root_from_path(leaves[index], index=index, size=len(leaves), path=path) == tree.root
    assert len(path) <= (len(leaves) - 1).bit_length()
    old = MerkleTree(leaves[: data.draw(st.integers(1, len(leaves)))])
    proof = tree.consistency_proof(old.size)
    check_consistency(old_size=old.size, old_root=old.root, new_size=tree.size, new_root=tree.root, proof=proof)


@given(st.integers(0, 2**32))
def test_padme(length: int) -> None:
    size = padme(length)
    assert max(length, FLOOR) <= size <= max(FLOOR, length * 1.12)
    assert padme(size) == size
    assert padme(length + 1) >= size
    kept = size.bit_length() - (size & -size).bit_length() + 1
    assert kept <= (size.bit_length() - 1).bit_length() + 1, "a size has O(log log n) significant bits"


@given(bodies)
def test_padding(text: bytes) -> None:
    padded = pad(text)
    assert len(padded) == padme(len(text) + 4)
    assert unpad(padded) == text


@given(st.binary(max_size=300))
def test_any_padding(padded: bytes) -> None:
    try:
        text = unpad(padded)
    except MalformedError:
        return
    assert pad(text) == padded


secrets = st.binary(min_size=32, max_size=32)


@given(secrets)
def test_words_and_texts(secret: bytes) -> None:
    assert from_words(to_words(secret)) == secret
    for prefix in ("siegel", "siegel-secret-"):
        assert bech32m.decode(bech32m.encode(prefix, secret), prefix=prefix, length=32) == secret


@settings(max_examples=40)
@given(secrets.filter(any), secrets.filter(any))
def test_identities(one: bytes, other: bytes) -> None:
    ours, theirs = Identity.from_secret(one).user_id, Identity.from_secret(other).user_id
    assert (ours == theirs) is (one == other)
    assert safety_number(ours, theirs) == safety_number(theirs, ours)
    check_safety(safety_number(theirs, ours), ours=ours, theirs=theirs)
    check_safety(safety_qr(theirs, ours), ours=ours, theirs=theirs)


@settings(max_examples=40)
@given(st.integers(0, LATEST - 1))
def test_records_at_any_instant(at: int) -> None:
    record = person("alice").public(at=at)
    assert PublicIdentity.decode(record.encode(), at=at) == record
    contacts = Contacts()
    contacts.add(record)
    assert Contacts.decode(contacts.encode()).get(record.user_id) == record
