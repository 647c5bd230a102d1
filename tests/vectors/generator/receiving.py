"""Category ``group-message``, stories to the end: order, gaps, starts, permission, forks, ends (MSG-9 … MSG-15)."""

from __future__ import annotations

from tests.vectors.generator.book import Category, stream
from tests.vectors.generator.chain_parts import CERTIFICATE, HEAD, LATER_HEAD, LINK, certificate, damaged, leaf, message
from tests.vectors.generator.chain_stories import (
    NAMES,
    RUN,
    SECOND_ROOT,
    Teller,
    announced,
    ending,
    expiring,
    fixture,
    from_root,
    one_by_one,
    permitting,
    received,
    rival,
    second_chain,
    spoilt,
    successor,
    unused,
)
from tests.vectors.generator.people import ALICE, BOB, NOW
from tests.vectors.reference import DAY
from tests.vectors.reference.sender_chain import announce

GRACE = 30 * DAY


def stories(book: Category) -> None:
    """All of them."""
    teller = Teller(book.group("receive", 40601, fixture()))
    _order(teller)
    _backlog(teller)
    _chains(teller)
    _starts(teller)
    _permission(teller)
    _forks(teller)
    _ends(teller)
    _confirmed(teller)
    _limits(teller)
    _full(teller)
    _whole_runs(teller)
    _more(teller)


def _order(teller: Teller) -> None:
    five = NAMES[:5]
    spec = "MSG-10 MSG-13 KEY-2"
    tell = teller.told
    tell("five messages in order, one by one", spec, "Normal", announced(), *one_by_one(*five))
    tell("five messages in one batch", spec, "Normal", announced(), received(*five))
    tell("five messages in reverse order, one by one", spec, "OutOfOrder", announced(), *one_by_one(*reversed(five)))
    tell("five messages in reverse order, one batch", spec, "OutOfOrder", announced(), received(*reversed(five)))
    some = ("message 3", "message 0", "message 4", "message 1", "message 2")
    tell("five messages in another order", spec, "OutOfOrder", announced(), received(*some[:2]), received(*some[2:]))
    gaps = "gaps, of which one is filled"
    steps = [announced(), received("message 2", "message 7"), received("message 0", "message 1", "message 4")]
    tell(gaps, "MSG-13 MSG-15", "OutOfOrder", *steps)
    far = {"far": message(5_000, LINK, b"far").message}
    tell("a skip of 5,000", "KEY-2 MSG-13 MSG-15", "OutOfOrder", announced(), received("far"), objects=far)
    last = {"last": message(65_535, LINK, b"the last one").message}
    tell("the last index of all", "KEY-2 MSG-1 MSG-13", "Boundary", announced(), received("last"), objects=last)
    comment = "a message beside a damaged copy of itself"
    tell(comment, "MSG-10 MSG-13", "Replayed", announced(), received("damaged 0", "message 0"), objects=spoilt(0))


def _backlog(teller: Teller) -> None:
    tell, four = teller.told, spoilt(0, 1, 2, 3)
    comment = "a backlog of which only the newest signature verifies"
    names = ("damaged 0", "damaged 1", "damaged 2", "damaged 3", "message 4")
    spec = "MSG-2 MSG-9 MSG-10"
    tell(comment, spec, "Backlog", announced(), received(*names), objects=four)
    tell(f"{comment}, the newest first", spec, "Backlog", announced(), *one_by_one(*reversed(names)), objects=four)
    waited = "messages with damaged signatures wait for the next one"
    tell(waited, "MSG-10 MSG-14", "Backlog", announced(), *one_by_one(*names), objects=four)
    comment = "two runs with a gap between, each with one good signature"
    runs = "damaged 0", "message 1", "damaged 3", "message 4"
    tell(comment, "MSG-10 MSG-15", "Backlog", announced(), received(*runs), objects=spoilt(0, 3))
    comment = "an announcement vouches for the message before its start"
    steps = [announced("from 3"), received("damaged 2"), announced("from 0"), received("damaged 2")]
    tell(comment, "CHN-6 CHN-7 MSG-9", "Backlog Announced", *steps, objects=spoilt(2))
    comment = "a close vouches for the last message"
    ends = {"next": successor(ending(2))} | spoilt(0, 1, 2)
    steps = [announced(), announced("next"), received("damaged 0", "damaged 1", "damaged 2")]
    tell(comment, "CHN-3 MSG-9 MSG-12", "Backlog Ended", *steps, objects=ends)
    unreadable = message(1, RUN[0].link, b"for others", leaf=leaf(1, stream("another root", 32)))
    comment = "a message that cannot be opened vouches all the same, and stays a gap"
    steps = [announced(), received("damaged 0", "unreadable")]
    objects = spoilt(0) | {"unreadable": unreadable.message}
    tell(comment, "MSG-5 MSG-10 MSG-13 MSG-15", "Backlog", *steps, objects=objects)


def _chains(teller: Teller) -> None:
    made, theirs = second_chain()
    objects = {"bob": announce(made, SECOND_ROOT).encode()}
    objects |= {f"bob {index}": steps.message for index, steps in enumerate(theirs)}
    mixed = received("message 0", "bob 1", "message 1", "bob 0", "bob 2")
    steps = [announced(), announced("bob", BOB), mixed]
    teller.told("chains of two senders in one batch", "CHN-2 MSG-13", "Normal", *steps, objects=objects)
    made, ours = second_chain(ALICE)
    objects = {"second": announce(made, SECOND_ROOT).encode(), "second 0": ours[0].message, "second 1": ours[1].message}
    steps = [announced(), announced("second"), received("message 0", "second 0", "second 1", "message 1")]
    teller.told("two chains of one sender", "CHN-2 MSG-13", "Normal", *steps, objects=objects)


def _starts(teller: Teller) -> None:
    tell, names = teller.told, NAMES[:6]
    comment = "a chain from index 3 on, and then from 0"
    steps = [announced("from 3"), received(*names), announced("from 0"), received(*names[:3])]
    tell(comment, "CHN-7 MSG-13", "Announced NoKey", *steps)
    comment = "an announcement that reaches back brings no used key back"
    steps = [announced("from 2"), received(*names[3:]), announced("from 0"), received("message 1", "message 4")]
    tell(comment, "CHN-7 KEY-2", "Announced UsedKey", *steps)
    comment = "reaching back twice"
    steps = [announced("from 5"), announced("from 3"), announced("from 0"), received(*names)]
    tell(comment, "CHN-7", "Announced", *steps)
    comment = "a later start adds nothing, but names a link"
    steps = [announced("from 2"), announced("from 3"), received("damaged 2")]
    tell(comment, "CHN-7 MSG-9", "Announced Backlog", *steps, objects=spoilt(2))
    comment = "an earlier start of a chain that has ended adds what lies before the end"
    ends = {"next": successor(ending(3))}
    steps = [announced("from 5"), announced("next"), announced("from 2"), received("message 2", "message 3")]
    tell(comment, "CHN-7 MSG-12", "Announced Ended", *steps, objects=ends)


def _permission(teller: Teller) -> None:
    tell = teller.told
    later = message(1, RUN[0].link, b"under a later head", head=LATER_HEAD)
    after = message(2, later.link, b"and again", head=LATER_HEAD)
    objects = {"later": later.message, "after": after.message, "damaged later": damaged(later.message)}
    comment = "the roster head changes in the middle of a chain"
    tell(comment, "MSG-1 MSG-13", "Permission", announced(), received("message 0", "later", "after"), objects=objects)
    comment = "what is not permitted vouches for the message before it"
    steps = [announced(), received("damaged 0", "later")]
    refused = [LATER_HEAD]
    tell(comment, "MSG-10 MSG-13", "Permission Backlog", *steps, objects=objects | spoilt(0), refused=refused)
    comment = "what is not permitted is opened when it is"
    steps = [announced(), received("later", "after"), permitting(), received("later", "after")]
    tell(comment, "MSG-13 MSG-15", "Permission", *steps, objects=objects, refused=refused)
    comment = "what was delivered is no longer permitted, and then permitted again"
    steps = [announced(), received("message 0", "later", "after"), permitting(LATER_HEAD), permitting()]
    tell(comment, "MSG-15", "Permission", *steps, objects=objects)
    comment = "nothing is permitted any more"
    steps = [announced(), received("message 0", "later"), permitting(HEAD, LATER_HEAD), permitting(HEAD, LATER_HEAD)]
    tell(comment, "MSG-15", "Permission", *steps, objects=objects)


def _forks(teller: Teller) -> None:
    tell = teller.told
    objects = {"rival 2": rival(2).message}
    comment = "two messages at one index, together: neither is delivered, what lies below is"
    steps = [announced(), received(*NAMES[:4], "rival 2")]
    tell(comment, "MSG-11 MSG-12 MSG-13", "Contradiction", *steps, objects=objects)
    comment = "a lower fork is found later"
    objects |= {"rival 1": rival(1).message}
    steps = [announced(), received(*NAMES[:4]), received("rival 2", "message 4"), received("rival 1", "message 5")]
    tell(comment, "MSG-11 MSG-15", "Contradiction", *steps, objects=objects)
    forged = rival(2, b"written by a thief")
    comment = "a thief fills a gap below a message that is here (attack GR-10)"
    steps = [announced(), received("message 0", "message 1", "message 3"), received("thief", "message 2")]
    tell(comment, "MSG-9 MSG-11", "Contradiction", *steps, objects={"thief": forged.message})
    comment = "a thief fills a gap, and then the honest successor comes"
    steps = [announced(), received("message 0", "message 1", "thief"), received("message 3", "message 2")]
    tell(comment, "MSG-9 MSG-11 MSG-15", "Contradiction", *steps, objects={"thief": forged.message})
    elsewhere = message(3, LINK, b"on another past")
    comment = "a message names a past that is not ours"
    steps = [announced(), received(*NAMES[:3]), received("elsewhere", "message 3")]
    tell(comment, "MSG-9 MSG-11 MSG-15", "Contradiction", *steps, objects={"elsewhere": elsewhere.message})
    comment = "a message of index 0 that does not begin at genesis"
    steps = [announced(), received("elsewhere", "message 0")]
    tell(comment, "CHN-4 MSG-9 MSG-11", "Contradiction", *steps, objects={"elsewhere": message(0, LINK).message})
    comment = "an announcement names another link than the message before its start has"
    other = {"other": announce(CERTIFICATE, stream("chain root", 32), 2, LINK).encode()}
    steps = [announced("from 3"), received(*NAMES[1:4]), announced("other"), received("message 4", "message 5")]
    tell(comment, "CHN-7 MSG-9 MSG-11", "Contradiction Announced", *steps, objects=other)


def _ends(teller: Teller) -> None:
    tell = teller.told
    ends = {"next": successor(ending(3)), "unused": successor(unused())}
    comment = "what was delivered behind the end is disputed"
    steps = [announced(), received("message 5"), announced("next"), received(*NAMES)]
    tell(comment, "CHN-3 MSG-12 MSG-15", "Ended", *steps, objects=ends)
    comment = "the end comes first, and the chain after it"
    steps = [announced("next"), announced(), received(*NAMES[:5])]
    tell(comment, "CHN-3 MSG-12", "Ended", *steps, objects=ends)
    comment = "a chain in which nothing was sent, as its owner says"
    steps = [announced(), announced("unused"), received("message 0", "message 1")]
    tell(comment, "CHN-3 MSG-9 MSG-12", "Ended", *steps, objects=ends)
    comment = "somebody else ends the chain, which counts for nothing"
    theirs = {"theirs": successor(ending(1), sender=BOB)}
    steps = [announced(), announced("theirs", BOB), received(*NAMES[:4])]
    tell(comment, "CHN-3", "Ended ForeignSender", *steps, objects=theirs)
    comment = "late messages within the grace"
    steps = [announced(), announced("next"), expiring(NOW + GRACE - 1), received("message 3", "message 1")]
    tell(comment, "MSG-15", "Ended", *steps, objects=ends)
    comment = "the grace is over, and all keys are gone"
    steps = [announced(), received("message 1"), announced("next"), expiring(NOW + GRACE)]
    tell(comment, "MSG-15", "Ended UsedKey", *steps, objects=ends)
    comment = "a chain that lives keeps its keys"
    steps = [announced(), received("message 1"), expiring(NOW + 10 * GRACE), received("message 0", at=NOW + 10 * GRACE)]
    tell(comment, "MSG-15", "Normal", *steps)
    comment = "the same end, said twice"
    again = ends | {"again": successor(ending(3), seed=stream("third chain", 32))}
    steps = [announced(), announced("next"), announced("again"), received(*NAMES[:4])]
    tell(comment, "CHN-3 MSG-12", "Ended", *steps, objects=again)


def _confirmed(teller: Teller) -> None:
    """A close, and rivals of what leads up to it."""
    tell = teller.told
    objects = {"next": successor(ending(3)), "rival 1": rival(1).message} | spoilt(3)
    comment = "the end confirms what was disputed, as soon as the messages between are here"
    steps = [announced(), received(*NAMES[:3]), received("rival 1"), announced("next"), received("damaged 3")]
    tell(comment, "MSG-12 MSG-15", "Ended Contradiction", *steps, objects=objects)
    comment = "a contradiction to what is final is evidence and nothing more"
    steps = [announced(), received(*NAMES[:4]), announced("next"), received("rival 1", "message 2")]
    tell(comment, "MSG-11 MSG-12", "Ended Contradiction", *steps, objects=objects)
    comment = "a rival was delivered, and the end confirms another: its key is gone"
    steps = [
        announced(),
        received("message 0", "rival 1"),
        announced("next"),
        received("message 3", "message 2", "message 1"),
    ]
    tell(comment, "MSG-12 MSG-13 MSG-15 KEY-2", "Ended Contradiction UsedKey", *steps, objects=objects)
    comment = "two ends at two places: the lower one counts, nothing is final"
    two = {"next": successor(ending(3)), "lower": successor(ending(2), seed=stream("third chain", 32))}
    two |= {"rival 1": rival(1).message}
    steps = [announced(), received(*NAMES[:5]), announced("next"), announced("lower"), received("rival 1", "message 3")]
    tell(comment, "MSG-12 MSG-15", "Ended Contradiction", *steps, objects=two)
    comment = "two ends at one place"
    two = {"next": successor(ending(3)), "other": successor(ending(3, rival(3).link), seed=stream("third chain", 32))}
    steps = [
        announced(),
        received(*NAMES[:4]),
        announced("next"),
        announced("other"),
        received("message 4", "message 5"),
    ]
    tell(comment, "MSG-11 MSG-12 MSG-15", "Ended Contradiction", *steps, objects=two)


def _limits(teller: Teller) -> None:
    tell = teller.told
    seventeen = [rival(0, f"rival {n}".encode()) for n in range(17)]
    objects = {f"rival {n}": steps.message for n, steps in enumerate(seventeen)}
    comment = "sixteen links at one place are believed, the seventeenth only when its owner confirms it"
    last = seventeen[16]
    objects |= {"next": successor(ending(0, last.link))}
    names = [f"rival {n}" for n in range(17)]
    steps = [announced(), received(*names[:16]), received(names[16]), announced("next"), received(names[16])]
    tell(comment, "MSG-9 MSG-10 MSG-12", "Limit Contradiction", *steps, objects=objects)
    long = [*RUN]
    for index in range(len(RUN), 18):
        long.append(message(index, long[-1].link, f"message {index}".encode()))
    waiting = {f"damaged {n}": damaged(steps.message) for n, steps in enumerate(long[:17])}
    comment = "of seventeen that wait the oldest is forgotten, and accepted when it comes again"
    steps = [announced(), *one_by_one(*waiting), received("message 17"), received("damaged 0")]
    tell(comment, "MSG-10 MSG-14", "Limit Backlog", *steps, objects=waiting | {"message 17": long[17].message})
    again = {"again": from_root(at=NOW + 1)}
    comment = "a second certificate for the chain: a fork at its very beginning"
    steps = [
        announced("from 2"),
        received("message 2", "message 3"),
        announced("again"),
        received("message 4", "message 1"),
    ]
    tell(comment, "CHN-4 CHN-7 MSG-11 MSG-15", "Contradiction Announced", *steps, objects=again)
    comment = "a second certificate beside a chain that is final down to its beginning"
    ends = again | {"next": successor(ending(2))}
    steps = [
        announced(),
        received(*NAMES[:3]),
        announced("next"),
        announced("again"),
        received("message 0", "message 1"),
    ]
    tell(comment, "CHN-7 MSG-12", "Contradiction Ended", *steps, objects=ends)
    assert certificate(at=NOW + 1).chain_id == CERTIFICATE.chain_id


def _full(teller: Teller) -> None:
    rivals = [rival(0, f"rival {n}".encode()) for n in range(17)]
    above = message(1, rivals[16].link, b"above the seventeenth")
    objects = {f"rival {n}": steps.message for n, steps in enumerate(rivals)}
    objects |= {"above": above.message, "end": successor(ending(1, above.link))}
    objects |= {"damaged 16": damaged(rivals[16].message)}
    comment = "a full place takes the final link, which the message above it names"
    steps = [announced(), received(*[*objects][:16]), received("above", "rival 16"), announced("end")]
    more = received("damaged 16", "above")
    teller.told(comment, "MSG-9 MSG-10 MSG-12", "Limit Contradiction Ended", *steps, more, objects=objects)


def _whole_runs(teller: Teller) -> None:
    """A run that looks whole is one only if each message names the one before it."""
    tell = teller.told
    forged = {"forged": damaged(message(1, RUN[0].link, b"forged").message)} | spoilt(0)
    comment = "a forged message in the middle of a run whose last signature verifies"
    tell(
        comment,
        "MSG-9 MSG-10",
        "Backlog Insider",
        announced(),
        received("message 0", "forged", "message 2"),
        objects=forged,
    )
    comment = "a forged message at the beginning of a run"
    forged = {"forged": damaged(message(0, body=b"forged").message)}
    steps = [announced(), received("forged", "message 1", "message 2")]
    tell(comment, "MSG-9 MSG-10", "Backlog Insider", *steps, objects=forged)
    comment = "a message that names the one before the one before it"
    skipping = {"skipping": message(2, RUN[0].link, b"skipping one").message} | spoilt(0, 1)
    steps = [announced(), received("damaged 0", "skipping")]
    tell(comment, "MSG-9 MSG-10", "Backlog", *steps, objects=skipping)
    comment = "a message twice in one run"
    tell(
        comment,
        "MSG-10 MSG-13",
        "Backlog Replayed",
        announced(),
        received("message 0", "message 1", "message 1", "message 2"),
    )
    comment = "a run that does not begin where the last one ended"
    other = {"other": message(2, LINK, b"elsewhere").message}
    steps = [announced(), received("message 0", "message 1"), received("other", "message 3")]
    tell(comment, "MSG-9 MSG-11", "Contradiction", *steps, objects=other)
    comment = "a run of which one message does not open"
    unreadable = message(1, RUN[0].link, b"for others", leaf=leaf(2))
    after = message(2, unreadable.link, b"after it")
    objects = {"unreadable": unreadable.message, "after": after.message}
    tell(
        comment,
        "MSG-5 MSG-13",
        "Backlog Commitment",
        announced(),
        received("message 0", "unreadable", "after"),
        objects=objects,
    )


def _more(teller: Teller) -> None:
    tell = teller.told
    comment = "the roster closes the chain at an index, and takes it back"
    steps = [announced(), received(*NAMES[:4]), permitting(highest=1), received("message 2", "message 4"), permitting()]
    tell(comment, "MSG-13 MSG-15", "Permission", *steps)
    comment = "a key that is gone is no gap, whatever lies below it"
    objects = {"rival 1": rival(1).message, "next": successor(ending(3))}
    steps = [announced(), received("rival 1"), announced("next"), received("message 3", "message 2", "message 1")]
    tell(comment, "MSG-15 KEY-2", "Ended UsedKey", *steps, objects=objects)
    comment = "an announcement from index 2 on says how the chain begins, too"
    elsewhere = {"elsewhere": message(0, LINK).message}
    steps = [announced("from 2"), received("message 2", "message 3"), received("elsewhere", "message 4")]
    tell(comment, "CHN-7 MSG-9 MSG-11", "Contradiction", *steps, objects=elsewhere)
    comment = "two ends at two places, the lower one first, the higher one twice"
    third, fourth = stream("third chain", 32), stream("fourth chain", 32)
    ends = {"lower": successor(ending(2)), "higher": successor(ending(3), seed=third)}
    ends["again"] = successor(ending(3), seed=fourth)
    steps = [announced(), received(*NAMES[:5]), announced("lower"), announced("higher"), announced("again")]
    tell(comment, "MSG-12 MSG-15", "Ended Contradiction", *steps, objects=ends)
