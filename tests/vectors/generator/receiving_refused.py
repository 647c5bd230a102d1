"""Category ``group-message``, stories whose last message or announcement is refused (CHN-6, CHN-7, MSG-10 … MSG-15)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.vectors.generator.book import Category, stream
from tests.vectors.generator.chain_parts import (
    CERTIFICATE,
    HEAD,
    LATER_HEAD,
    LINK,
    ROOT,
    SEED,
    certificate,
    content,
    damaged,
    leaf,
    message,
)
from tests.vectors.generator.chain_stories import (
    NAMES,
    RUN,
    SECOND_ROOT,
    SECOND_SEED,
    Teller,
    announced,
    ending,
    expiring,
    fixture,
    from_root,
    permitting,
    received,
    rival,
    second_chain,
    spoilt,
    successor,
    unused,
)
from tests.vectors.generator.people import ALICE, BOB, CAROL, NOW
from tests.vectors.reference import DAY, curve
from tests.vectors.reference.cbor import octets
from tests.vectors.reference.group_message import raw
from tests.vectors.reference.labels import sha256
from tests.vectors.reference.sender_chain import announce, certify

GRACE = 30 * DAY


def refusals(book: Category) -> None:
    """All of them."""
    teller = Teller(book.group("receive", 40801, fixture()))
    _announcements(teller)
    _unknown(teller)
    _unauthentic(teller)
    _unpermitted(teller)
    _replays(teller)
    _not_standing(teller)
    _without_key(teller)
    _unreadable(teller)
    _full(teller)
    _more(teller)


def _announcements(teller: Teller) -> None:
    def refuse(
        stage: str, code: str, comment: str, *steps: dict[str, Any], flags: str = "Announced", **more: Any
    ) -> None:
        teller.refused(stage, code, comment, "CHN-6 CHN-7", flags, *steps, **more)

    refuse("sender", "not-permitted", "another member announces the chain", announced("from 0", BOB))
    refuse("sender", "not-permitted", "another member announces a known chain", announced(), announced("from 0", CAROL))
    other = certify(ALICE.secret, SEED, group_id=stream("another group", 32), head=HEAD, at=NOW)
    objects = {"other": announce(other, ROOT).encode()}
    refuse("sender", "not-permitted", "a chain of another group", announced("other"), objects=objects)
    refuse("known", "replay", "the same announcement again", announced(), announced())
    refuse("known", "replay", "a later start of a known chain", announced("from 2"), announced("from 3"))
    comment = "the same start with other nodes"
    objects = {"other": from_root(stream("another root", 32))}
    refuse("known", "replay", comment, announced(), received("message 0"), announced("other"), objects=objects)
    comment = "an earlier start under another certificate: a fork, and no keys"
    objects = {"other": from_root(at=NOW + 1)}
    steps = [announced("from 2"), received("message 2", "message 3"), announced("other")]
    refuse("known", "replay", comment, *steps, flags="Announced Contradiction", objects=objects)
    comment = "an earlier start after the grace"
    objects = {"next": successor(ending(3))}
    late = NOW + GRACE
    steps = [announced("from 2"), announced("next"), expiring(late), announced("from 0", at=late)]
    refuse("known", "replay", comment, *steps, flags="Announced Ended", objects=objects)
    comment = "a start of 0 that does not begin at genesis"
    objects = {"other": announce(CERTIFICATE, ROOT, 0, LINK).encode()}
    refuse("link", "malformed", comment, announced("other"), objects=objects)
    comment = "a known chain, announced with a node too few"
    short = announce(CERTIFICATE, ROOT, 1, RUN[0].link)
    objects = {"other": replace(short, nodes=short.nodes[1:]).encode()}
    refuse("cover", "malformed", comment, announced("from 2"), announced("other"), objects=objects)


def _unknown(teller: Teller) -> None:
    refuse = teller.refused
    spec, code = "MSG-13", "missing-sender-key"
    refuse("chain", code, "a message before any announcement", spec, "NoKey", received("message 0"))
    _, theirs = second_chain()
    objects = {"bob 0": theirs[0].message}
    refuse("chain", code, "a message of another chain", spec, "NoKey", announced(), received("bob 0"), objects=objects)
    comment = "a damaged message before any announcement"
    refuse("chain", code, comment, spec, "NoKey Damaged", received("damaged 0"), objects=spoilt(0))
    comment = "a message before an announcement that was refused"
    refuse("chain", code, comment, spec, "NoKey", announced("from 0", BOB), received("message 0"))
    for start, index in ((2, 1), (3, 0), (5, 4)):
        comment = f"index {index} of a chain that was announced from {start} on"
        steps = [announced(f"from {start}"), received(f"message {index}")]
        refuse("start", code, comment, "CHN-7 MSG-13", "NoKey", *steps)
    comment = "a message below the start, with its successors delivered"
    steps = [announced("from 2"), received("message 2", "message 3"), received("message 1")]
    refuse("start", code, comment, "CHN-7 MSG-13", "NoKey", *steps)
    comment = "a message below the start that the announcement vouches for"
    refuse(
        "start", code, comment, "MSG-9 MSG-13", "NoKey", announced("from 2"), received("damaged 1"), objects=spoilt(1)
    )


def _unauthentic(teller: Teller) -> None:
    def refuse(comment: str, spec: str, flags: str, *steps: dict[str, Any], **more: Any) -> None:
        teller.refused("authentic", "invalid-message", comment, spec, flags, *steps, **more)

    comment = "a damaged message that nobody vouches for"
    refuse(comment, "MSG-3 MSG-10 MSG-14", "Damaged", announced(), received("damaged 1"), objects=spoilt(1))
    comment = "a damaged message, given once more while it waits"
    steps = [announced(), received("damaged 1"), received("damaged 1")]
    refuse(comment, "MSG-10 MSG-14", "Damaged", *steps, objects=spoilt(1))
    comment = "a damaged message above the one that is here"
    steps = [announced(), received("message 0"), received("damaged 1")]
    refuse(comment, "MSG-10", "Damaged", *steps, objects=spoilt(1))
    comment = "a damaged message whose successor is missing"
    steps = [announced(), received("message 0", "message 3"), received("damaged 1")]
    refuse(comment, "MSG-10", "Damaged Backlog", *steps, objects=spoilt(1))
    comment = "another text than the one that its successor names, not signed"
    objects = {"other": damaged(rival(1).message)}
    refuse(comment, "MSG-9 MSG-10", "Insider", announced(), received("message 2"), received("other"), objects=objects)
    comment = "a far index that is not signed: nothing is derived for it (attack GR-9)"
    objects = {"far": damaged(message(60_000, LINK).message)}
    refuse(comment, "MSG-10 MSG-13", "Insider", announced(), received("far"), objects=objects)
    comment = "a member writes the next message with a key of their own"
    own = message(1, RUN[0].link, b"a member's", seed=stream("member", 32)).message
    refuse(
        comment, "MSG-3 MSG-10", "Insider", announced(), received("message 0"), received("own"), objects={"own": own}
    )
    comment = "the seventeenth link of one place, signed"
    objects = {f"rival {n}": rival(0, f"rival {n}".encode()).message for n in range(17)}
    steps = [announced(), received(*[*objects][:16]), received("rival 16")]
    refuse(comment, "MSG-10", "Limit Contradiction", *steps, objects=objects)
    comment = "a parent vouches for nothing"
    parent = (CERTIFICATE.chain_id, 1, RUN[1].link)
    made, _ = second_chain()
    objects = {"bob": announce(made, SECOND_ROOT).encode(), "bob says": bobs(parent)} | spoilt(1)
    steps = [announced(), announced("bob", BOB), received("bob says"), received("damaged 1")]
    refuse(comment, "MSG-6 MSG-9", "Backlog", *steps, objects=objects)


def bobs(parent: tuple[bytes, int, bytes]) -> bytes:
    """The first message of Bob's chain, which names a message of Alice's."""
    made, _ = second_chain()
    return message(
        0,
        made.genesis,
        chain_id=made.chain_id,
        leaf=leaf(0, SECOND_ROOT),
        seed=SECOND_SEED,
        content=content(b"seen", parents=(parent,)),
    ).message


def _unpermitted(teller: Teller) -> None:
    def refuse(comment: str, *steps: dict[str, Any], **more: Any) -> None:
        spec = "MSG-13 MSG-15"
        teller.refused("permission", "not-permitted", comment, spec, "Permission", *steps, **more)

    later = {"later": message(1, RUN[0].link, b"later", head=LATER_HEAD).message}
    steps = [announced(), received("message 0"), received("later")]
    refuse("a message under a head that is refused", *steps, objects=later, refused=[LATER_HEAD])
    comment = "a message under a head that is refused by now, delivered before"
    steps = [announced(), received("message 0", "later"), permitting(LATER_HEAD), received("later")]
    refuse(comment, *steps, objects=later)
    comment = "a message under a head that is refused, below the start"
    refuse(comment, announced("from 2"), received("message 1"), refused=[HEAD])
    comment = "a message under a head that is refused, behind the end"
    ends = {"next": successor(unused())}
    refuse(comment, announced(), announced("next"), received("message 1"), objects=ends, refused=[HEAD])
    comment = "a message under a head that is refused, which its successor vouches for"
    steps = [announced(), received("later"), received("damaged 0")]
    refuse(comment, *steps, objects=later | spoilt(0), refused=[HEAD])
    comment = "a message that does not open, under a head that is refused"
    objects = {"unreadable": message(0, leaf=leaf(1)).message}
    refuse(comment, announced(), received("unreadable"), objects=objects, refused=[HEAD])


def _replays(teller: Teller) -> None:
    def refuse(comment: str, *steps: dict[str, Any], **more: Any) -> None:
        spec = "MSG-13 KEY-2"
        teller.refused("delivered", "replay", comment, spec, "Replayed", *steps, **more)

    refuse("the same message again", announced(), received("message 0"), received("message 0"))
    refuse("the first of five messages again", announced(), received(*NAMES[:5]), received("message 0"))
    refuse("the last of five messages again", announced(), received(*NAMES[:5]), received("message 4"))
    steps = [announced(), received("message 0", "message 1"), received("damaged 0")]
    refuse("the same message with a damaged signature", *steps, objects=spoilt(0))
    comment = "the same message with a second valid signature (attack PR-3)"
    objects = {"again": RUN[0].signed + octets(second_signature())}
    refuse(comment, announced(), received("message 0"), received("again"), objects=objects)
    comment = "a delivered message that a fork disputes"
    objects = {"rival 0": rival(0).message}
    refuse(comment, announced(), received("message 0"), received("rival 0"), received("message 0"), objects=objects)
    comment = "a delivered message behind the end"
    objects = {"next": successor(ending(0))}
    refuse(comment, announced(), received("message 1"), announced("next"), received("message 1"), objects=objects)
    comment = "a delivered message, after an announcement that reaches back"
    steps = [announced("from 2"), received("message 3"), announced("from 0"), received("message 3")]
    refuse(comment, *steps)


def second_signature() -> bytes:
    """Another signature of the first message, from another nonce: RFC 8032 does not forbid it."""
    text = raw("group signature", RUN[0].link)
    scalar, _ = curve.expand(SEED)
    nonce = int.from_bytes(stream("another nonce of Ed25519", 64), "little") % curve.L
    r = curve.compress(curve.times(nonce, curve.BASE))
    s = (nonce + curve.challenge(r, curve.public_key(SEED), text) * scalar) % curve.L
    return r + s.to_bytes(32, "little")


def _not_standing(teller: Teller) -> None:
    def refuse(comment: str, spec: str, flags: str, *steps: dict[str, Any], **more: Any) -> None:
        teller.refused("standing", "not-permitted", comment, spec, flags, *steps, **more)

    objects = {"rival 2": rival(2).message, "next": successor(ending(3)), "unused": successor(unused())}
    flags = "Contradiction"
    comment = "a second message of an index, after the first was delivered"
    refuse(
        comment, "MSG-11 MSG-13 MSG-15", flags, announced(), received(*NAMES[:4]), received("rival 2"), objects=objects
    )
    comment = "a second message of an index, signed under another roster head"
    other = {"rival 2": rival(2, head=LATER_HEAD).message}
    refuse(comment, "MSG-11 MSG-13", flags, announced(), received(*NAMES[:4]), received("rival 2"), objects=other)
    comment = "the same text again, with another nonce"
    other = {"again": rival(2, b"message 2", hedge=bytes(16)).message}
    refuse(comment, "MSG-4 MSG-11", flags, announced(), received(*NAMES[:4]), received("again"), objects=other)
    comment = "a second message of an index whose first one only its successor names"
    refuse(comment, "MSG-9 MSG-11", flags, announced(), received("message 3"), received("rival 2"), objects=objects)
    comment = "the honest message, after a rival of it was delivered"
    steps = [announced(), received("message 0", "message 1", "rival 2"), received("message 2")]
    refuse(comment, "MSG-11 MSG-15", flags, *steps, objects=objects)
    comment = "a message above a fork"
    steps = [announced(), received(*NAMES[:4]), received("rival 2"), received("message 4")]
    refuse(comment, "MSG-11 MSG-12", flags, *steps, objects=objects)
    comment = "a message that names another past"
    other = {"elsewhere": message(3, LINK, b"elsewhere").message}
    refuse(comment, "MSG-9 MSG-11", flags, announced(), received(*NAMES[:3]), received("elsewhere"), objects=other)
    comment = "a first message that does not name genesis"
    other = {"elsewhere": message(0, LINK).message}
    refuse(comment, "CHN-4 MSG-9 MSG-11", flags, announced(), received("elsewhere"), objects=other)
    comment = "a first message that names the hash of the certificate's signed text"
    other = {"elsewhere": message(0, signed_text_hash()).message}
    refuse(comment, "CHN-4 MSG-11", f"{flags} WrongLabel", announced(), received("elsewhere"), objects=other)
    comment = "a message of a chain with two certificates"
    other = {"other": from_root(at=NOW + 1)}
    refuse(comment, "CHN-7 MSG-11", flags, announced(), announced("other"), received("message 0"), objects=other)
    comment = "a message behind the end of its chain"
    steps = [announced(), received(*NAMES[:4]), announced("next"), received("message 4")]
    refuse(comment, "CHN-3 MSG-12", "Ended", *steps, objects=objects)
    comment = "a message behind the end, which is known before the chain"
    refuse(comment, "CHN-3 MSG-12", "Ended", announced("next"), announced(), received("message 4"), objects=objects)
    comment = "a message of a chain that was never used, as its owner says"
    refuse(comment, "CHN-3 MSG-12", "Ended", announced(), announced("unused"), received("message 0"), objects=objects)
    comment = "a rival of what is final"
    steps = [announced(), received(*NAMES[:4]), announced("next"), received("rival 2")]
    refuse(comment, "MSG-11 MSG-12", f"Ended {flags}", *steps, objects=objects)
    comment = "a rival of the last message that the close names"
    other = objects | {"rival 3": rival(3).message}
    steps = [announced(), received(*NAMES[:3]), announced("next"), received("rival 3")]
    refuse(comment, "MSG-9 MSG-12", f"Ended {flags}", *steps, objects=other)
    comment = "below an end whose messages are not here a fork stands"
    steps = [announced(), received("message 2"), announced("next"), received("rival 2")]
    refuse(comment, "MSG-12", f"Ended {flags}", *steps, objects=objects)
    comment = "between two ends of one owner"
    other = {"next": successor(ending(3)), "lower": successor(ending(1), seed=stream("third chain", 32))}
    steps = [announced(), announced("next"), announced("lower"), received("message 2")]
    refuse(comment, "MSG-12 MSG-15", f"Ended {flags}", *steps, objects=other)


def signed_text_hash() -> bytes:
    """What would be genesis if its label were the certificate's."""
    return sha256(CERTIFICATE.signed_part)


def _without_key(teller: Teller) -> None:
    def refuse(comment: str, spec: str, *steps: dict[str, Any], **more: Any) -> None:
        teller.refused("key", "expired", comment, spec, "UsedKey", *steps, **more)

    objects = {"next": successor(ending(3)), "rival 1": rival(1).message}
    comment = "the message that the end confirms, after a rival has used its key"
    steps = [announced(), received("message 0", "rival 1"), announced("next"), received("message 2", "message 3")]
    refuse(comment, "KEY-2 MSG-12 MSG-13", *steps, received("message 1"), objects=objects)
    late = NOW + GRACE
    comment = "a late message after the grace of a chain that has ended"
    steps = [announced(), received("message 0"), announced("next"), expiring(late), received("message 1", at=late)]
    refuse(comment, "MSG-13 MSG-15", *steps, objects=objects)
    comment = "a late message below a fork, after the grace"
    steps = [announced(), received("message 0", "message 2"), received("rival 2"), expiring(late)]
    refuse(comment, "MSG-13 MSG-15", *steps, received("message 1", at=late), objects={"rival 2": rival(2).message})


def _unreadable(teller: Teller) -> None:
    def refuse(comment: str, *steps: dict[str, Any], **more: Any) -> None:
        spec, flags = "MSG-5 MSG-13", "Commitment"
        teller.refused("commitment", "invalid-message", comment, spec, flags, *steps, **more)

    comment = "the keys that we were announced are not those that others have (attack GR-7)"
    objects = {"ours": from_root(stream("another root", 32))}
    refuse(comment, announced("ours"), received("message 0"), objects=objects)
    comment = "a message under the key of the next index"
    objects = {"moved": message(0, leaf=leaf(1)).message}
    refuse(comment, announced(), received("moved"), objects=objects)
    comment = "a message that did not open before, given again"
    refuse(comment, announced(), received("moved"), received("moved"), objects=objects)
    comment = "a message that its successor vouches for, and that does not open"
    moved = message(0, leaf=leaf(1))
    objects = {"moved": damaged(moved.message), "next": message(1, moved.link).message}
    refuse(comment, announced(), received("next"), received("moved"), objects=objects)


def _full(teller: Teller) -> None:
    objects = {f"rival {n}": rival(0, f"rival {n}".encode()).message for n in range(17)}
    objects["above"] = message(1, rival(0, b"rival 16").link, b"above the seventeenth").message
    comment = "the seventeenth link of one place, named by the message above it"
    steps = [announced(), received(*[*objects][:16]), received("above"), received("rival 16")]
    spec, flags = "MSG-9 MSG-10", "Limit Contradiction"
    teller.refused("authentic", "invalid-message", comment, spec, flags, *steps, objects=objects)


def _more(teller: Teller) -> None:
    def refuse(comment: str, spec: str, flags: str, *steps: dict[str, Any], **more: Any) -> None:
        teller.refused("standing", "not-permitted", comment, spec, flags, *steps, **more)

    comment = "below what is final, and above a fork"
    objects = {"rival 1": rival(1).message, "next": successor(ending(6))}
    steps = [announced(), received("message 0", "message 1"), received("rival 1"), announced("next")]
    more = [received("message 6"), received("message 2")]
    refuse(comment, "MSG-11 MSG-12", "Ended Contradiction", *steps, *more, objects=objects)
    comment = "a rival of what is final, again, and with a damaged signature"
    other = rival(0).message
    objects = {"rival 0": other, "damaged rival": damaged(other), "next": successor(ending(0))}
    steps = [announced(), received("message 0", "rival 0"), announced("next"), received("message 0")]
    refuse(comment, "MSG-9 MSG-12", "Ended Contradiction", *steps, received("damaged rival"), objects=objects)
    comment = "a second message of an index, which names another past as well"
    objects = {"elsewhere": message(2, LINK, b"elsewhere").message}
    steps = [announced(), received(*NAMES[:4]), received("elsewhere")]
    refuse(comment, "MSG-9 MSG-11 MSG-15", "Contradiction", *steps, objects=objects)
    comment = "a message above the index at which the roster closed the chain"
    spec, closed = "MSG-13", permitting(highest=3)
    steps = [announced(), received(*NAMES[:4]), closed, received("message 4")]
    teller.refused("permission", "not-permitted", comment, spec, "Permission", *steps)
    comment = "a second certificate, announced from a later index on: a fork at the very beginning"
    later = announce(certificate(at=NOW + 1), ROOT, 3, RUN[2].link).encode()
    steps = [announced("from 2"), received("message 2", "message 3"), announced("later")]
    spec, flags = "CHN-4 CHN-7 MSG-9", "Announced Contradiction"
    teller.refused("known", "replay", comment, spec, flags, *steps, objects={"later": later})
