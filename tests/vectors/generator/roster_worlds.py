"""Where the vectors about rosters take place: a group's signed items under their names, on a path or in a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.vectors.generator.book import Group
from tests.vectors.generator.roster_parts import (
    FORWARD_SECRET,
    MEMBERS_ADD,
    PEOPLE,
    Close,
    add,
    close,
    create,
    follow,
    found,
    fresh,
    leave,
    remove,
    rename,
    set_policy,
    set_role,
    user,
)
from tests.vectors.notation import to_json
from tests.vectors.reference.roster_wire import ADMIN, ARCHIVIST, MEMBER, READER, Act, Operation, Statement


@dataclass
class World:
    """One group's signed items, each under a name, in the fixture of the vectors that use them."""

    group: Group
    operations: dict[str, Operation] = field(default_factory=dict[str, Operation])

    def put(self, name: str, item: Operation | Statement | bytes) -> str:
        """Puts an item into the fixture; its name, which is the first that it was given."""
        data = to_json(item if isinstance(item, bytes) else item.encode())
        items: dict[str, str] = self.group.fixture.setdefault("items", {})
        name = next((known for known, other in items.items() if other == data), name)
        assert items.setdefault(name, data) == data, f"two items of the name {name}"
        if isinstance(item, Operation):
            self.operations[name] = item
        return name

    def sign(self, name: str, author: str, act: Act, on: str, /, **changes: Any) -> str:
        """An operation on the named one."""
        return self.put(name, follow(self.operations[on], author, act, **changes))

    def leave(self, name: str, who: str, below: str, *closes: Close, **changes: Any) -> str:
        """A leave statement as of the named operation."""
        return self.put(name, leave(self.operations[below], who, *closes, **changes))

    def data(self, name: str) -> bytes:
        """The bytes of an item."""
        return bytes.fromhex(self.group.fixture["items"][name])

    def head(self, name: str) -> bytes:
        """The head of an operation."""
        return self.operations[name].head

    def heads(self, *names: str) -> list[bytes]:
        """The heads of operations."""
        return [self.head(name) for name in names]


# --- on a path --------------------------------------------------------------------------------------------------------

ACTS: Mapping[str, Act] = {
    "adds a member": add({"emil": MEMBER}),
    "adds an admin": add({"emil": ADMIN}),
    "adds a reader": add({"emil": READER}),
    "removes the reader": remove("dora"),
    "makes the reader a member": set_role("dora", MEMBER),
    "makes the reader an admin": set_role("dora", ADMIN),
    "lets members add": set_policy(MEMBERS_ADD),
    "renames": rename("another name"),
}


class Path:
    """Adds vectors whose items stand on each other, each signed for the one vector."""

    def __init__(self, here: World) -> None:
        self.here = here

    def accepts(self, comment: str, spec: str, flags: str, *steps: tuple[str, str, Act]) -> None:
        """Founding and then the steps: a name, an author, an act."""
        self.here.group.valid(comment, spec=spec, flags=flags, input={"items": self.signed(*steps)})

    def refuses(self, comment: str, spec: str, flags: str, *steps: tuple[str, str, Act], stage: str = "rights") -> None:
        """The last step is refused."""
        self.refuses_items(comment, spec, flags, self.signed(*steps), stage=stage)

    def refuses_items(
        self, comment: str, spec: str, flags: str, items: list[str], *, stage: str, code: str = "not-permitted"
    ) -> None:
        """The last item is refused."""
        self.here.group.invalid(comment, spec=spec, flags=flags, code=code, stage=stage, input={"items": items})

    def signed(self, *steps: tuple[str, str, Act]) -> list[str]:
        """The names of founding and steps, each signed on the one before."""
        names = ["founding"]
        for name, author, act in steps:
            names.append(self.here.sign(name, author, act, names[-1]))
        return names


def path(group: Group) -> Path:
    """Frida has founded a group with another admin, a member, a reader and an archivist."""
    here = _world(group)
    here.put("founding", found("frida", create({"anna": ADMIN, "carl": MEMBER, "dora": READER, "mallory": ARCHIVIST})))
    return Path(here)


# --- in a tree --------------------------------------------------------------------------------------------------------

START = ["founding", "start"]

TAKES: Mapping[str, Act] = {
    "bert removes mallory": remove("mallory"),
    "bert removes mallory and carl": remove("carl", "mallory"),
    "bert makes carl a reader": set_role("carl", READER, close(3, 1)),
    "bert makes carl an archivist": set_role("carl", ARCHIVIST, close(3, 1)),
}
GIVES: Mapping[str, Act] = {
    "bert adds emil": add({"emil": MEMBER}),
    "bert makes carl an admin": set_role("carl", ADMIN),
    "bert lets members add": set_policy(MEMBERS_ADD),
    "bert refuses number 0": set_policy(FORWARD_SECRET, key=fresh()),
    "bert renames otherwise": rename("bert's"),
}


class Forks:
    """Adds vectors whose items stand anywhere in the tree above the start."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.sign = here.sign

    def accepts(self, comment: str, spec: str, flags: str, *items: str) -> None:
        """Founding, start and these items."""
        self.here.group.valid(comment, spec=spec, flags=flags, input={"items": [*START, *items]})

    def refuses(
        self, comment: str, spec: str, flags: str, *items: str, stage: str, code: str = "not-permitted"
    ) -> None:
        """The last item is refused."""
        given = {"items": [*START, *items]}
        self.here.group.invalid(comment, spec=spec, flags=flags, code=code, stage=stage, input=given)

    def losing(self, name: str, act: Act, author: str = "bert") -> str:
        """An operation on the start that loses to Anna's renaming."""
        return self.sign(name, author, act, "start")

    @property
    def won(self) -> str:
        """Anna's renaming on the start."""
        return self.sign("anna renames", "anna", rename("by anna"), "start")


def forks(group: Group) -> Forks:
    """Frida, then Anna, then Bert are admins: Bert's grant is the youngest. Three members."""
    here = _world(group)
    roles = {"anna": ADMIN, **dict.fromkeys(("bert", "carl", "dora", "mallory"), MEMBER)}
    here.put("founding", found("frida", create(roles)))
    here.sign("start", "frida", set_role("bert", ADMIN), "founding")
    return Forks(here)


def _world(group: Group) -> World:
    """A world whose fixture names its people."""
    group.fixture |= to_json({"people": {name: user(name) for name in PEOPLE}})
    return World(group)
