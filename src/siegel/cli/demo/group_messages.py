"""Knows the demo's chapters on groups."""

from __future__ import annotations

from functools import partial
from typing import Final

from siegel._core.instants import DAY
from siegel.cli.demo.company import Person, names_of
from siegel.cli.demo.stage import Stage
from siegel.cli.demo.team import Team, has_read, is_for, parts
from siegel.cli.files import read_file
from siegel.cli.terminal import size
from siegel.errors import MissingSenderKey, NotPermitted, StaleRoster, StateError
from siegel.events import MessageMissing
from siegel.groups.actions import GroupPolicy, Role, Who
from siegel.groups.group import Group

_HELLO: Final = b"Good morning, everybody.\n"
_RULES: Final = b"Stocktaking on Monday. No deliveries, no visitors.\n"
_OBJECTION: Final = b"And who asked us?\n"
_OFFER: Final = b"The offer goes out tonight, at 4.2 million.\n"
_FIRST: Final = b"The fair is cancelled.\n"
_SECOND: Final = b"Book the rooms all the same.\n"
_ANSWER: Final = b"Will do, Ada.\n"


def team_of_six(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """A group is founded, everybody comes in, writes, and is read."""
    ada, *others = people
    stage.begin("A team of six")
    group, founding = Group.create(
        ada.identity, members=[person.record for person in others], name="the team", storage=ada.storage, at=now
    )
    (stage.folder / "group id").write_bytes(group.group_id)
    (invitation,) = founding.control
    for person in others:
        (person.mailbox / "invitation").write_bytes(invitation)
        data = read_file(person.mailbox / "invitation", limit=2**20)
        Group.join(data, identity=person.identity, contacts=person.contacts, storage=person.storage, at=now)
    team = Team(people, group.group_id, at=now)
    stage.tell(
        f"Ada founds a group with the five others: one invitation of {size(len(invitation))}.",
        "Each of the six says good morning.",
    )
    said = {person.name: team.write(person, _HELLO) for person in people}
    heard = {person.name: team.deliver(person, said[person.name]) for person in people}
    stage.shown(
        "each has read the five others, and knows from a signature who is who",
        holds=all(has_read(events, person, _HELLO) for person in people for events in heard[person.name].values()),
    )
    first = said[ada.name]
    announcement, message = first.control[0], team.write(ada, _HELLO)
    team.deliver(ada, message)
    stage.shown(
        f"Ada's first brings {size(len(announcement))} of keys along, her next none",
        holds=len(first.control) == 1 and not message.control,
    )


def _team(stage: Stage, people: tuple[Person, ...], now: int) -> Team:
    return Team(people, read_file(stage.folder / "group id", limit=2**10), at=now)


def channel(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """Only the boss may write: the others' clients refuse, and so does everybody if one does not know."""
    ada, _, _, deniz, *_ = people
    team = _team(stage, people, now)
    stage.begin("A channel that only the boss writes to")
    stage.tell("Ada makes it so. The server does not tell Deniz's program, and he writes.")
    policy = team.client(ada).set_policy(GroupPolicy(posting=Who.ADMINS), at=now)
    team.deliver(ada, policy, kept_from=[deniz])
    objection = team.write(deniz, _OBJECTION).message or b""
    stage.refused(
        "each of the five others",
        NotPermitted,
        *[partial(team.hand, person, objection) for person in team.others(deniz)],
    )
    team.hand(deniz, *[data for data in parts(policy) if is_for(deniz, data)])
    stage.refused("his own program, once it knows", StateError, partial(team.write, deniz, _OBJECTION))
    stage.shown("Ada writes, and the five others read it", holds=len(team.say(ada, _RULES)) == 5)
    team.deliver(ada, team.client(ada).set_policy(GroupPolicy(), at=now))


def dismissal(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """Somebody is out: reads nothing more, and is heard by nobody, whatever they keep."""
    ada, ben, _, _, eva, _ = people
    team = _team(stage, people, now)
    stage.begin("A dismissal")
    stage.tell("Ada removes Eva, who keeps every key, and gets what the others get.")
    team.dismiss(ada, eva)
    offer = team.write(ben, _OFFER)
    heard = team.deliver(ben, offer)
    stage.shown(
        f"Ben writes, and {names_of(team.others(ben))} read it",
        holds=all(has_read(events, ben, _OFFER) for events in heard.values()),
    )
    stage.refused("Eva, with his message", MissingSenderKey, partial(team.hand, eva, offer.message or b""))
    stage.refused("Eva, with the keys to it", StaleRoster, partial(team.hand, eva, *offer.control))
    own = parts(team.write(eva, _OBJECTION))
    stage.tell("She writes as if nothing had happened.")
    stage.refused("each of the five", NotPermitted, *[partial(team.hand, person, *own) for person in team.people])


def back_dating(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """An admin who is out lets somebody in, by an act that is dated before."""
    ada, ben, _, _, eva, _ = people
    team = _team(stage, people, now)
    team.leave_out(eva)
    team.deliver(ada, team.client(ada).set_role(ben.identity.user_id, Role.ADMIN, at=now))
    stage.begin("An admin who back-dates")
    stage.tell(
        "Ben, by now an admin, is dismissed, too. His program has not heard of it,",
        "lets Eva in again, and dates that to yesterday.",
    )
    team.dismiss(ada, ben)
    admission = team.client(ben).add([eva.record], at=now - DAY)
    stage.refused(
        "each of the four", NotPermitted, *[partial(team.hand, person, admission.control[0]) for person in team.people]
    )
    rosters = [set(team.client(person).roster.members) for person in team.people]
    stage.shown(
        f"the team is {names_of(team.people)}, as Ada left it",
        holds=all(roster == {person.identity.user_id for person in team.people} for roster in rosters),
    )
    secret = team.write(ada, _OFFER)
    team.deliver(ada, secret)
    stage.refused(
        "Ben and Eva, with what Ada writes",
        MissingSenderKey,
        *[partial(team.hand, person, secret.message or b"") for person in (ben, eva)],
    )


def withheld(stage: Stage, people: tuple[Person, ...], now: int) -> None:
    """The server keeps a message from one, who notices by what the others say."""
    ada, ben, chiara, _, eva, fritz = people
    team = _team(stage, people, now)
    team.leave_out(ben, eva)
    stage.begin("A message that does not come")
    stage.tell("The server keeps a message of Ada's from Chiara. Fritz, who has it, answers.")
    kept = team.write(ada, _FIRST)
    team.deliver(ada, kept, kept_from=[chiara])
    heard = team.deliver(fritz, team.write(fritz, _ANSWER))
    missing = [event.reporter for event in heard[chiara.name] if isinstance(event, MessageMissing)]
    stage.shown("Chiara reads from his answer that she lacks a message", holds=missing == [fritz.identity.user_id])
    team.say(ada, _SECOND)
    gaps = [(gap.sender, gap.last - gap.first) for gap in team.client(chiara).gaps()]
    stage.shown("Ada's next one shows her that it is one of Ada's", holds=gaps == [(ada.identity.user_id, 0)])
    stage.tell("The server hands it over after all.")
    late = has_read(team.hand(chiara, kept.message or b""), ada, _FIRST)
    stage.shown("it opens, and nothing is missing any more", holds=late and not team.client(chiara).gaps())


CHAPTERS: Final = (team_of_six, channel, dismissal, back_dating, withheld)
