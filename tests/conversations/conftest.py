"""Conversations are tried on both databases."""

from collections.abc import AsyncIterator

import pytest

from app.main import Teller, bootstrap
from conversations.service import Conversations
from core.settings import Settings
from tests.fakes import FakeClock, FakeKnowledge, FakeRasa


@pytest.fixture
async def teller(
    settings_of_each_database: Settings, rasa: FakeRasa, knowledge: FakeKnowledge, clock: FakeClock
) -> AsyncIterator[Teller]:
    teller = bootstrap(settings_of_each_database, rasa=rasa, knowledge=knowledge, clock=clock)
    yield teller
    teller.database.close()


@pytest.fixture
def conversations(teller: Teller) -> Conversations:
    return teller.conversations
