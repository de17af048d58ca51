"""What `accounts` takes and gives."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from accounts.roles import Role
from core.database import STORABLE

Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{2,64}$")]
DisplayName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
NewPassword = Annotated[str, StringConstraints(min_length=10, max_length=128)]


class UserView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: str
    username: str
    display_name: str
    role: Role


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid")
    username: Annotated[str, StringConstraints(max_length=64, pattern=STORABLE)]
    password: Annotated[str, StringConstraints(max_length=128)]


class PasswordChange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    current: Annotated[str, StringConstraints(max_length=128)]
    new: NewPassword
