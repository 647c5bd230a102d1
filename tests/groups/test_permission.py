"""Which message may stand: by certificate, index, head and history alone."""

from __future__ import annotations

from siegel._core.secret import Secret
from siegel._core.suite import SigningKey, sha256
from siegel.errors import NotPermitted, StaleRoster
from siegel.groups.actions import CloseGroup, Dismiss, GroupPolicy, Refresh, Rename, Role, SetPolicy, SetRole, Who
from siegel.groups.certificate import Certificate
from siegel.groups.key_tree import INDEX_COUNT
from siegel.groups.permission import Permissions
from siegel.groups.roster import propose
from tests.groups.rosters import KEY, Team, add, create, leave, remove, user
from tests.groups.rosters import close as close_of
from tests.people import AT, person

MEMBERS = {"anna": Role.ADMIN, "bert": Role.MEMBER, "carl": Role.READER}


def team() -> Team:
    return Team(create(roles=MEMBERS))


def chain(here: Team, name: str, *, at: bytes | None = None) -> Certificate:
    """A chain that somebody began at this head, or at the one that holds."""
    head = at or here.roster.head
    key = SigningKey(Secret(sha256(name.encode() + head)))
    return Certificate.create(person(name), group_id=here.roster.group_id, head=head, key=key.public, closes=(), at=AT)


def verdict(here: Team, certificate: Certificate, *, index: int = 0, head: bytes | None = None) -> str | None:
    """Why a message may not stand; None if it may."""
    answer = Permissions(here.history).of(certificate)(index, head or here.roster.head)
    assert answer is None or isinstance(answer, NotPermitted)
    return str(answer) if answer else None


def last_index(here: Team, certificate: Certificate, *, head: bytes) -> int:
    """The highest index that may stand at this head, -1 if none."""
    permitted = Permissions(here.history).of(certificate)
    return max((index for index in (*range(10), INDEX_COUNT - 1) if permitted(index, head) is None), default=-1)


def test_who_may_post_may_say_anything() -> None:
    here = team()
    assert verdict(here, chain(here, "bert")) is None
    assert verdict(here, chain(here, "bert"), index=INDEX_COUNT - 1) is None


def test_who_may_not_post_may_say_nothing() -> None:
    here = team()
    for name in ("carl", "mallory"):
        assert verdict(here, chain(here, name)) == "its sender may not post"


def test_an_unknown_head_is_early() -> None:
    here = team()
    answer = Permissions(here.history).of(chain(here, "bert"))(0, bytes(32))
    assert isinstance(answer, StaleRoster)
    assert answer.head == bytes(32)


def test_each_answer_is_an_error_of_its_own() -> None:
    here = team()
    permitted = Permissions(here.history).of(chain(here, "mallory"))
    assert permitted(0, here.roster.head) is not permitted(0, here.roster.head)


def test_an_answer_is_remembered() -> None:
    here = team()
    permissions = Permissions(here.history)
    assert permissions.of(chain(here, "bert")) is permissions.of(chain(here, "bert"))


def test_a_chain_outlives_what_takes_nobodys_rights() -> None:
    here = team()
    certificate = chain(here, "bert")
    for action in (Rename("x"), add({"dora": Role.MEMBER}), Refresh(KEY), SetRole(user("dora"), Role.ADMIN)):
        here.act("frida", action)
        assert verdict(here, certificate) is None


def test_a_chain_ends_where_somebody_loses_rights() -> None:
    for action in (remove("carl"), SetRole(user("anna"), Role.MEMBER)):
        here = team()
        before, certificate = here.roster.head, chain(here, "bert")
        here.act("frida", action)
        assert verdict(here, certificate) == "somebody lost rights since its chain was announced; the chain had to end"
        assert verdict(here, certificate, head=before) is None


def test_a_head_below_the_chain_is_not_its_own() -> None:
    here = team()
    below = here.roster.head
    here.act("frida", Rename("x"))
    assert verdict(here, chain(here, "bert"), head=below) is not None


def test_a_head_on_another_branch_is_judged_at_the_fork_too() -> None:
    """Bert posts at a head that lost."""
    here = team()
    root = here.roster.head
    losing = here.act("anna", Rename("losing"))
    certificate = chain(here, "bert")
    assert verdict(here, certificate, head=losing.head) is None
    here.act("frida", Rename("winning"), on=root)
    assert here.roster.name == "winning"
    assert verdict(here, certificate, head=losing.head) is None, "he was in at the last common head"


def test_who_is_removed_keeps_what_the_remover_had_seen() -> None:
    here = team()
    certificate, head = chain(here, "bert"), here.roster.head
    number = int.from_bytes(certificate.chain_id, "big")
    here.act("frida", remove("bert", closes=(close_of(number, 5),)))
    assert last_index(here, certificate, head=head) == 5
    other = chain(here, "bert", at=head)
    assert last_index(here, other, head=head) == 5, "the same chain"


def test_a_chain_that_no_removal_lists_keeps_nothing() -> None:
    here = team()
    certificate, head = chain(here, "bert"), here.roster.head
    here.act("frida", remove("bert"))
    assert last_index(here, certificate, head=head) == -1


def test_who_comes_back_begins_anew() -> None:
    here = team()
    old, head = chain(here, "bert"), here.roster.head
    here.act("frida", remove("bert"))
    here.act("frida", add({"bert": Role.MEMBER}))
    assert last_index(here, old, head=head) == -1
    new = chain(here, "bert")
    assert last_index(here, new, head=here.roster.head) == INDEX_COUNT - 1


def test_of_several_closes_the_lowest_counts() -> None:
    here = team()
    certificate, head = chain(here, "bert"), here.roster.head
    number = int.from_bytes(certificate.chain_id, "big")
    here.act("frida", SetRole(user("bert"), Role.READER, (close_of(number, 7),)))
    here.act("frida", SetRole(user("bert"), Role.MEMBER))
    here.act("frida", remove("bert", closes=(close_of(number, 9),)))
    assert last_index(here, certificate, head=head) == 7


def test_a_channel_silences_its_members_and_not_its_admins() -> None:
    here = team()
    by_bert, by_anna, head = chain(here, "bert"), chain(here, "anna"), here.roster.head
    here.act("frida", SetPolicy(GroupPolicy(posting=Who.ADMINS)))
    assert last_index(here, by_bert, head=head) == -1
    assert last_index(here, by_anna, head=head) == INDEX_COUNT - 1


def test_who_leaves_says_themselves_where_their_chains_end() -> None:
    here = team()
    certificate, head = chain(here, "bert"), here.roster.head
    number = int.from_bytes(certificate.chain_id, "big")
    here.take(leave("bert", here.roster, close_of(number, 3)))
    assert last_index(here, certificate, head=head) == 3
    here.take(leave("bert", here.roster, close_of(number, 6)))
    assert last_index(here, certificate, head=head) == 6, "their own word, the latest of it"
    assert last_index(here, chain(here, "bert", at=head), head=head) == 6


def test_the_suspended_are_not_heard_until_somebody_decides() -> None:
    here = Team(create(roles={**MEMBERS, "dora": Role.ADMIN}))
    certificate, root = chain(here, "bert"), here.roster.head
    here.act("frida", Rename("x"))
    removal = propose(here.at(root), person("anna"), remove("bert"), at=AT)
    assert here.take(removal) == []
    assert verdict(here, certificate, head=root) == "its sender is suspended until an admin has decided"
    here.act("frida", Dismiss((removal.head,)))
    assert verdict(here, certificate, head=root) is None


def test_a_closed_group_has_no_new_chains() -> None:
    here = team()
    certificate, before = chain(here, "bert"), here.roster.head
    here.act("frida", CloseGroup())
    assert verdict(here, certificate) == "its sender may not post"
    assert verdict(here, certificate, head=before) is None, "said before it ended, as far as anybody can tell"
