"""Every table there is, for migrations and for tests."""

import accounts.models
import conversations.models
import desk.models
import kb.models
import voice.models
from core.database import Base

ROOMS_WITH_TABLES = (accounts.models, conversations.models, desk.models, kb.models, voice.models)

metadata = Base.metadata
