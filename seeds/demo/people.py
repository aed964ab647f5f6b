"""Those who work on the demo: taken on by the operator of the machine, as `followup staff create` does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.db import Actor, RoleAtSite, Transaction
from backend.staff.members import create_member, roles_of
from backend.staff.models import Site
from backend.staff.sites import find_site, update_site
from backend.terms import Originator, Role

EVERYWHERE = "*"


@dataclass(frozen=True)
class Colleague:
    """A member of staff of the demo, and what they sign in with."""

    email: str
    password: str
    role: Role
    site: str
    actor: Actor


@dataclass(frozen=True)
class Staff:
    """Everybody who works on the demo."""

    members: tuple[Colleague, ...]

    def at(self, site: str, role: Role) -> Actor:
        """Who holds the role at the site."""
        return next(one.actor for one in self.members if (one.site, one.role) == (site, role))


def take_on(txn: Transaction, said: Mapping[str, Any]) -> Staff:
    """Give the sites their telephone numbers, and take on everybody the file names."""
    for phones in said["sites"]:
        numbers = {name: phones[name] for name in ("emergency_phone", "office_phone")}
        update_site(txn, _site(txn, phones["code"]), numbers)
    return Staff(tuple(_member(txn, one, said["password"]) for one in said["members"]))


def _member(txn: Transaction, said: Mapping[str, Any], password: str) -> Colleague:
    role, site = Role(said["role"]), said["site"]
    held = RoleAtSite(role, None if site == EVERYWHERE else _site(txn, site).id)
    member = create_member(
        txn,
        email=said["email"],
        name=said["name"],
        password=password,
        roles=[held],
        phone=said["phone"],
        language=said["language"],
    )
    actor = Actor(Originator.SITE, id=member.id, roles=roles_of(txn, member))
    return Colleague(said["email"], password, role, site, actor)


def _site(txn: Transaction, code: str) -> Site:
    site = find_site(txn, code)
    assert site is not None, f"the study has no {code}"
    return site
