"""Category ``roster-log``: operations and leave statements as they arrive, and what holds then (ROS-5 … ROS-18)."""

from __future__ import annotations

from tests.vectors.generator import roster_deciding, roster_forks, roster_no_rights, roster_rights
from tests.vectors.generator.book import Category
from tests.vectors.generator.roster_worlds import forks, path


def category() -> Category:
    """The vectors of this file."""
    book = Category("roster-log")
    roster_rights.accepted(path(book.group("roster-log", 31001)))
    roster_no_rights.refused(path(book.group("roster-log", 31201)))
    roster_forks.accepted(forks(book.group("roster-log", 32001)))
    roster_deciding.accepted(forks(book.group("roster-log", 32201)))
    roster_forks.refused(forks(book.group("roster-log", 32401)))
    roster_deciding.refused(forks(book.group("roster-log", 32601)))
    return book
