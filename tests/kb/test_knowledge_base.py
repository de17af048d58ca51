"""The knowledge base on a real database: versions, removals, and an engine that follows whoever writes."""

import asyncio
import threading
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.database import Database
from core.problems import InvalidInput
from core.settings import Settings
from kb.models import ArticleChange, ArticleVersion
from kb.repository import ArticleRepository
from kb.schemas import ArticleIn, SearchRequest, SearchResult
from kb.service import ArticleNotFound, KnowledgeBase, VersionConflict
from tests.kb import sample
from tests.kb.conftest import open_with
from tests.kb.fake_encoder import FakeEncoder

pytestmark = pytest.mark.unit


async def ask(knowledge: KnowledgeBase, text: str, **more: object) -> SearchResult:
    return await knowledge.search(SearchRequest(text=text, **more))  # type: ignore[arg-type]


async def found(knowledge: KnowledgeBase, text: str) -> list[str]:
    return [candidate.key for candidate in (await ask(knowledge, text, k=20)).candidates]


async def count(knowledge: KnowledgeBase, table: type[ArticleChange] | type[ArticleVersion]) -> int:
    query = select(func.count()).select_from(table)
    return await knowledge.database.read(lambda session: session.scalar(query)) or 0


async def test_it_opens_on_the_database_and_is_ready(knowledge_base: KnowledgeBase) -> None:
    status = knowledge_base.status()
    assert status["articles"] == 6
    assert status["questions"] == 24
    assert status["generation"] == 6
    assert status["model"] == "fake/1"
    assert not knowledge_base.engine.snapshot.is_stale


async def test_an_article_is_answered_as_soon_as_it_is_put(knowledge_base: KnowledgeBase) -> None:
    (stored,) = await knowledge_base.put([sample.article("hall.parking", question="网点能停车吗")], "li")
    assert (stored.version, stored.updated_by) == (1, "li")
    result = await ask(knowledge_base, "网点能停车吗？")
    assert knowledge_base.engine.snapshot.is_stale
    assert result.decision == "answer"
    assert result.candidates[0].key == "hall.parking"
    assert result.index["generation"] == 7


async def test_versions_grow_and_each_can_be_read_again(knowledge_base: KnowledgeBase) -> None:
    for number in (2, 3):
        (stored,) = await knowledge_base.put([sample.article(text=f"第{number}版")], "li")
        assert stored.version == number
    assert (await knowledge_base.get("card.lost")).text == "第3版"
    assert (await knowledge_base.get("card.lost", 2)).text == "第2版"
    assert (await knowledge_base.get("card.lost", 1)).text == sample.article().text
    assert (await ask(knowledge_base, "银行卡丢了怎么办")).candidates[0].version == 3


async def test_an_unchanged_article_stores_nothing(knowledge_base: KnowledgeBase) -> None:
    before = [await count(knowledge_base, table) for table in (ArticleChange, ArticleVersion)]
    (stored,) = await knowledge_base.put([sample.article()], "someone else")
    assert (stored.version, stored.updated_by) == (1, "test")
    assert [await count(knowledge_base, table) for table in (ArticleChange, ArticleVersion)] == before
    assert knowledge_base.engine.snapshot.corpus.generation == 6


async def test_every_field_survives_the_database(knowledge_base: KnowledgeBase) -> None:
    full = sample.article(
        "hall.parking", tags=["停车", "网点"], related=["card.lost"], channels=["app"], source="《网点须知》",
        valid_from=date(2026, 1, 1), valid_to=date(2036, 12, 31), text="行一\n\n行二 💳",
    )  # fmt: skip
    await knowledge_base.put([full], "li")
    for version in (None, 1):
        detail = await knowledge_base.get("hall.parking", version)
        assert [(ref.key, ref.question) for ref in detail.related] == [("card.lost", "银行卡丢了怎么办")]
        fields = detail.model_dump(include=set(ArticleIn.model_fields)) | {"related": ["card.lost"]}
        assert ArticleIn(**fields) == full
    with knowledge_base.database.reading() as session:
        assert ArticleRepository(session).get("hall.parking") is not None
    (again,) = await knowledge_base.put([full], "wang")
    assert again.version == 1


async def test_a_removed_article_is_gone_but_its_versions_stay_and_go_on(knowledge_base: KnowledgeBase) -> None:
    await knowledge_base.put([sample.article(text="第2版")], "li")
    await knowledge_base.delete("card.lost")
    assert "card.lost" not in await found(knowledge_base, "银行卡丢了怎么办")
    with pytest.raises(ArticleNotFound):
        await knowledge_base.get("card.lost")
    assert (await knowledge_base.get("card.lost", 2)).text == "第2版"
    with pytest.raises(ArticleNotFound):
        await knowledge_base.delete("card.lost")
    (back,) = await knowledge_base.put([sample.article(text="第2版")], "li")
    assert back.version == 3
    assert (await ask(knowledge_base, "银行卡丢了怎么办")).candidates[0].version == 3


@pytest.mark.parametrize(("key", "version"), [("no.such", None), ("no.such", 1), ("card.lost", 2), ("", None)])
async def test_what_is_not_there_is_told(key: str, version: int | None, knowledge_base: KnowledgeBase) -> None:
    with pytest.raises(ArticleNotFound):
        await knowledge_base.get(key, version)


async def test_a_writer_who_saw_an_older_version_is_refused(knowledge_base: KnowledgeBase) -> None:
    await knowledge_base.put([sample.article(text="第2版")], "li", if_version=1)
    with pytest.raises(VersionConflict):
        await knowledge_base.put([sample.article(text="第2版，另一份")], "wang", if_version=1)
    with pytest.raises(VersionConflict):
        await knowledge_base.put([sample.article("new.one")], "wang", if_version=1)
    assert (await knowledge_base.get("card.lost")).text == "第2版"
    (created,) = await knowledge_base.put([sample.article("new.one")], "wang", if_version=0)
    assert created.version == 1


async def test_of_several_articles_all_are_stored_or_none(knowledge_base: KnowledgeBase) -> None:
    with pytest.raises(VersionConflict):
        await knowledge_base.put([sample.article("new.one"), sample.article(text="x")], "li", if_version=0)
    assert await count(knowledge_base, ArticleChange) == 6
    assert "new.one" not in await found(knowledge_base, "关于new.one的问题")


async def test_what_another_process_writes_is_followed(
    knowledge_base: KnowledgeBase, settings: Settings, faked: FakeEncoder
) -> None:
    other = await KnowledgeBase.open(settings, Database(settings.resolved_database_url))
    await other.put([sample.article("hall.parking", question="网点能停车吗"), sample.article(text="第2版")], "li")
    await other.delete("fx.rate")
    assert knowledge_base.engine.snapshot.corpus.generation == 6
    await knowledge_base.follow()
    assert knowledge_base.engine.snapshot.corpus.generation == 9
    assert (await found(knowledge_base, "网点能停车吗"))[0] == "hall.parking"
    assert (await ask(knowledge_base, "银行卡丢了怎么办")).candidates[0].version == 2
    assert "fx.rate" not in await found(knowledge_base, "今天美元汇率是多少")
    other.database.close()


async def test_many_writers_at_once_lose_nothing(knowledge_base: KnowledgeBase) -> None:
    async def write(number: int) -> int:
        (stored,) = await knowledge_base.put([sample.article(text=f"写者{number}")], "li")
        return stored.version

    versions = await asyncio.gather(*(write(number) for number in range(8)))
    assert sorted(versions) == list(range(2, 10))
    assert (await ask(knowledge_base, "银行卡丢了怎么办")).candidates[0].version == 9


@pytest.mark.parametrize(("until", "decision"), [(date(2020, 1, 1), "other"), (date(2999, 1, 1), "answer")])
async def test_an_expired_article_is_never_answered(until: date, decision: str, knowledge_base: KnowledgeBase) -> None:
    await knowledge_base.put([sample.article("fx.rate", valid_to=until)], "li")
    await knowledge_base.refit()
    for text in sample.WORDINGS["fx.rate"]:
        assert ("fx.rate" in await found(knowledge_base, text)) is (decision == "answer")


async def test_a_channel_gets_only_its_articles(knowledge_base: KnowledgeBase) -> None:
    await knowledge_base.put([sample.article("fx.rate", channels=["phone"])], "li")
    text = "今天美元汇率是多少"
    assert (await ask(knowledge_base, text, channel="phone")).candidates[0].key == "fx.rate"
    assert "fx.rate" not in await found(knowledge_base, text)


async def test_a_refit_teaches_the_scorer_the_new_wordings(knowledge_base: KnowledgeBase) -> None:
    wordings = ["大堂门口有车位没", "开车来存钱能停哪儿", "停车收费吗"]
    await knowledge_base.put([sample.article("hall.parking", question="网点能停车吗", extended=wordings)], "li")
    assert "hall.parking" not in knowledge_base.engine.snapshot.scorer.keys
    await knowledge_base.refit()
    assert not knowledge_base.engine.snapshot.is_stale
    result = await ask(knowledge_base, "请问停车收费的吗")
    assert result.candidates[0].key == "hall.parking"
    assert result.index["scorer"] == "kernel-ridge/7"


async def test_a_change_during_a_refit_is_kept_and_leaves_the_scorer_stale(
    knowledge_base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb import service

    fit = service.refit

    def slow(*arguments: object) -> object:
        asyncio.run_coroutine_threadsafe(knowledge_base.put([sample.article(text="第2版")], "li"), loop).result(20)
        return fit(*arguments)  # type: ignore[arg-type]

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(service, "refit", slow)
    await knowledge_base.refit()
    assert (await ask(knowledge_base, "银行卡丢了怎么办")).candidates[0].version == 2
    assert knowledge_base.engine.snapshot.is_stale


async def reopened(settings: Settings) -> KnowledgeBase:
    return await KnowledgeBase.open(settings, Database(settings.resolved_database_url))


async def test_the_stored_index_is_used_again(
    knowledge_base: KnowledgeBase, settings: Settings, faked: FakeEncoder
) -> None:
    faked.encoded.clear()
    again = await reopened(settings)
    assert faked.encoded == []
    assert again.engine.describe() == knowledge_base.engine.describe()
    assert (await ask(again, "银行卡丢了怎么办")).decision == "answer"
    again.database.close()


async def test_what_changed_while_nobody_ran_is_taken_in_at_the_next_start(
    knowledge_base: KnowledgeBase, settings: Settings, faked: FakeEncoder
) -> None:
    with knowledge_base.database.writing() as session:
        repository = ArticleRepository(session)
        repository.put(sample.article("hall.parking", question="网点能停车吗", extended=["车位有吗"]), "li")
        repository.delete("fx.rate")
    faked.encoded.clear()
    again = await reopened(settings)
    assert sorted(faked.encoded) == ["网点能停车吗", "车位有吗"]
    assert not again.engine.snapshot.is_stale
    assert (await found(again, "网点能停车吗"))[0] == "hall.parking"
    assert "fx.rate" not in await found(again, "今天美元汇率是多少")
    again.database.close()


async def test_an_index_of_another_database_is_not_trusted_by_its_number_alone(
    knowledge_base: KnowledgeBase, settings: Settings
) -> None:
    """A database that was made anew counts its changes from 1 as the old one did."""
    with knowledge_base.database.writing() as session:
        session.execute(ArticleChange.__table__.delete())  # type: ignore[attr-defined]
        repository = ArticleRepository(session)
        repository.delete("fx.rate")
        repository.put(sample.article("hall.parking", question="网点能停车吗"), "li")
        session.execute(ArticleChange.__table__.delete())  # type: ignore[attr-defined]
        session.add(ArticleChange(id=6, key="hall.parking", version=1, at=datetime.now(UTC)))
    again = await reopened(settings)
    assert again.engine.snapshot.corpus.generation == 6
    assert set(again.engine.snapshot.scorer.keys) == again.engine.snapshot.corpus.articles.keys()
    assert "hall.parking" in again.engine.snapshot.scorer.keys
    again.database.close()


async def test_a_damaged_index_is_built_anew(
    knowledge_base: KnowledgeBase, settings: Settings, faked: FakeEncoder
) -> None:
    for path in (settings.data_dir / "kb").rglob("training.npz"):
        path.write_bytes(path.read_bytes()[:1000])
    faked.encoded.clear()
    again = await reopened(settings)
    assert len(set(faked.encoded)) >= 24 + len(sample.NEGATIVES)
    assert (await ask(again, "银行卡丢了怎么办")).decision == "answer"
    again.database.close()


async def test_another_model_builds_its_own_index(
    knowledge_base: KnowledgeBase, settings: Settings, faked: FakeEncoder
) -> None:
    faked.model_id = "fake/2"
    again = await reopened(settings)
    assert again.status()["model"] == "fake/2"
    assert len(set(faked.encoded)) >= 24 + len(sample.NEGATIVES)
    again.database.close()


async def test_a_rebuild_makes_everything_anew_and_keeps_what_changed_meanwhile(
    knowledge_base: KnowledgeBase, faked: FakeEncoder
) -> None:
    await knowledge_base.put([sample.article("hall.parking", question="网点能停车吗")], "li")
    faked.encoded.clear()
    _, written = await asyncio.gather(
        knowledge_base.rebuild(), knowledge_base.put([sample.article(text="第2版")], "li")
    )
    assert written[0].version == 2
    assert set(sample.WORDINGS["card.lost"]) <= set(faked.encoded)
    assert "hall.parking" in knowledge_base.engine.snapshot.scorer.keys
    assert (await ask(knowledge_base, "银行卡丢了怎么办")).candidates[0].version == 2


async def test_a_refit_keeps_the_decision_that_another_process_has_built(
    knowledge_base: KnowledgeBase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await reopened(settings)
    monkeypatch.setattr("kb.training.FOLDS", 2)  # gives another decision
    await other.rebuild()
    rebuilt = other.engine.snapshot.gate
    assert knowledge_base.engine.snapshot.gate != rebuilt
    await knowledge_base.put([sample.article("hall.parking", question="网点能停车吗")], "li")
    await knowledge_base.refit()
    assert knowledge_base.engine.snapshot.gate == rebuilt
    await other.follow()
    await other.adopt_news()
    assert other.engine.snapshot.gate == rebuilt
    assert "hall.parking" in other.engine.snapshot.scorer.keys
    assert not other.engine.snapshot.is_stale
    other.database.close()


async def test_pages_list_what_is_asked_for(knowledge_base: KnowledgeBase) -> None:
    everything = await knowledge_base.page(None, None, 4, 0)
    assert everything.total == 6
    assert [row.key for row in everything.items] == ["account.open", "card.lost", "card.swallowed", "fx.rate"]
    rest = await knowledge_base.page(None, None, 4, 4)
    assert [row.key for row in rest.items] == ["loan.prepay", "transfer.limit"]
    for category, text, keys in (
        ("card", None, ["card.lost", "card.swallowed"]),
        ("card/样例", None, ["card.lost", "card.swallowed"]),
        ("car", None, []),
        (None, "吞卡", ["card.swallowed"]),
        (None, "card", ["card.lost", "card.swallowed"]),
        ("card", "丢", ["card.lost"]),
        (None, "%", []),
        (None, "_", []),
    ):
        page = await knowledge_base.page(category, text, 50, 0)
        assert [row.key for row in page.items] == keys, (category, text)
        assert page.total == len(keys)


async def test_an_emptied_knowledge_base_recognises_nothing_and_can_be_filled_again(
    knowledge_base: KnowledgeBase, settings: Settings
) -> None:
    for key in sample.WORDINGS:
        await knowledge_base.delete(key)
    assert (await ask(knowledge_base, "银行卡丢了怎么办")).decision == "unrecognised"
    await knowledge_base.refit()
    assert (await ask(knowledge_base, "银行卡丢了怎么办")).candidates == []
    again = await reopened(settings)
    await again.put([sample.article()], "li")
    assert (await ask(again, "银行卡丢了怎么办")).decision == "answer"
    again.database.close()


OWN = {
    "own.parking": ["网点能停车吗", "大堂门口有车位没", "开车来存钱能停哪儿", "停车收费吗"],
    "own.safe": ["保管箱怎么租", "贵重物品能放你们那吗", "租个保险柜多少钱", "首饰寄存"],
    "own.coin": ["纪念币怎么预约", "想换几枚生肖币", "今年的纪念钞还有吗", "约到的币去哪取"],
}


@pytest.mark.parametrize("wordings", [1, 2, 4])
async def test_it_opens_with_articles_that_the_calibration_questions_do_not_know(
    wordings: int, settings: Settings, faked: FakeEncoder
) -> None:
    own = [sample.article(key, question=texts[0], extended=texts[1:wordings]) for key, texts in OWN.items()]
    knowledge = await open_with(settings, own)
    assert (await ask(knowledge, "世界杯谁赢了呢")).decision != "answer"
    for article in own:
        assert (await ask(knowledge, article.question)).decision == "answer"
    knowledge.database.close()


async def test_an_empty_knowledge_base_says_what_to_do(settings: Settings, faked: FakeEncoder) -> None:
    with pytest.raises(InvalidInput, match="import articles first"):
        await open_with(settings, [])


async def test_versions_and_changes_are_the_same_on_every_database(
    settings_of_each_database: Settings, faked: FakeEncoder
) -> None:
    settings = settings_of_each_database
    knowledge = await open_with(settings, sample.articles())
    other = await KnowledgeBase.open(settings, Database(settings.resolved_database_url))

    async def write(writer: KnowledgeBase, number: int) -> int:
        (stored,) = await writer.put([sample.article(text=f"写者{number}")], "li")
        return stored.version

    versions = await asyncio.gather(*(write(writer, n) for n, writer in enumerate([knowledge, other] * 5)))
    assert sorted(versions) == list(range(2, 12))
    await asyncio.gather(knowledge.follow(), other.follow())
    for reader in (knowledge, other):
        assert (await ask(reader, "银行卡丢了怎么办")).candidates[0].version == 11
        assert (await reader.get("card.lost", 5)).version == 5
        assert (await reader.page("card", "丢", 5, 0)).total == 1
    await knowledge.delete("card.lost")
    (back,) = await knowledge.put([sample.article()], "li")
    assert back.version == 12
    for reader in (knowledge, other):
        reader.database.close()


async def test_a_change_that_commits_late_is_not_missed(
    settings_of_each_database: Settings, faked: FakeEncoder
) -> None:
    """Two writers at once: whoever follows the log after each commit sees both."""
    settings = settings_of_each_database
    knowledge = await open_with(settings, sample.articles())
    started, go_on = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        repository = ArticleRepository(session)
        repository.lock()
        repository.put(sample.article("slow.one", question="慢的那一篇"), "li")
        started.set()
        go_on.wait(20)

    first = asyncio.create_task(knowledge.database.write(slow))
    await asyncio.to_thread(started.wait, 20)
    second = asyncio.create_task(knowledge.put([sample.article("fast.one", question="快的那一篇")], "wang"))
    await asyncio.sleep(0.3)
    go_on.set()
    await asyncio.gather(first, second)
    await knowledge.follow()
    for text, key in (("慢的那一篇", "slow.one"), ("快的那一篇", "fast.one")):
        assert (await ask(knowledge, text)).candidates[0].key == key
    knowledge.database.close()
