"""The roles of Teller's staff. A role is what an endpoint asks for; nobody has more than one."""

from enum import StrEnum


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    TRAINER = "trainer"
    KB_MANAGER = "kb_manager"


DESK_ROLES = (Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR)
