"""The contract of the bot's training data, domain and rules, without Rasa."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.unit

PROJECT = Path(__file__).parents[2]
TRAIN = PROJECT / "nlu_data" / "train"
HELD_OUT = PROJECT / "nlu_data" / "held_out"
ANNOTATION = re.compile(r"\[(?P<text>[^\[\]]+)\](?:\((?P<short>[a-z_]+)\)|(?P<long>\{[^{}]+\}))")

TASKS = {
    "query_balance", "query_transactions", "query_credit_bill", "report_loss", "report_fraud", "query_fx_rate",
    "query_deposit_rate", "calc_mortgage", "find_branch", "book_branch", "file_complaint", "query_ticket", "praise",
    "suggest", "opt_out_marketing",
}  # fmt: skip
CONTROLS = {
    "ask_human", "repeat", "slower", "back_to_menu", "cancel", "affirm", "deny", "elder_mode", "change_language",
}  # fmt: skip
SOCIAL = {"greet", "goodbye", "thank", "bot_challenge", "chitchat", "abuse"}
INTENTS = {"ask_faq", "out_of_scope"} | TASKS | CONTROLS | SOCIAL
ENTITIES = {
    "card_type", "card_tail", "date", "amount", "currency", "term", "rate", "city", "place", "time", "ticket_no",
    "phone",
}  # fmt: skip
FEWEST_EXAMPLES = {"ask_faq": 150, "out_of_scope": 120}
CARD_TYPES = {"debit", "credit"}


def read_yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@cache
def training_examples() -> dict[str, list[str]]:
    """Intent to its utterances, as annotated."""
    examples: dict[str, list[str]] = {}
    for file in sorted(TRAIN.glob("*.yml")):
        for item in read_yaml(file)["nlu"]:
            lines = item["examples"].splitlines()
            examples.setdefault(item["intent"], []).extend(line.removeprefix("- ") for line in lines if line.strip())
    return examples


@cache
def held_out_rows() -> list[dict[str, Any]]:
    files = sorted(HELD_OUT.rglob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines() if line]


@cache
def domain() -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for file in sorted((PROJECT / "bot" / "domain").glob("*.yml")):
        merged.update(read_yaml(file))
    return merged


@cache
def rules() -> list[dict[str, Any]]:
    files = sorted((PROJECT / "nlu_data" / "rules").glob("*.yml"))
    return [rule for file in files for rule in read_yaml(file)["rules"]]


def plain(utterance: str) -> str:
    return ANNOTATION.sub(lambda found: found["text"], utterance)


def bare(utterance: str) -> str:
    """Without annotation, punctuation and letter case: what must not occur twice."""
    return re.sub(r"[\W_]", "", plain(utterance)).lower()


def annotations(utterance: str) -> Iterator[tuple[str, str, str]]:
    """Entity, text and value of each annotation."""
    for found in ANNOTATION.finditer(utterance):
        long = json.loads(found["long"]) if found["long"] else {}
        yield found["short"] or long["entity"], found["text"], str(long.get("value", found["text"]))


def test_there_are_32_intents() -> None:
    assert len(INTENTS) == 32
    assert set(domain()["intents"]) == INTENTS


def test_each_intent_has_a_training_file_of_its_name() -> None:
    for file in sorted(TRAIN.glob("*.yml")):
        assert [item.get("intent") for item in read_yaml(file)["nlu"]] == [file.stem], file.name
    assert set(training_examples()) == INTENTS


@pytest.mark.parametrize("intent", sorted(INTENTS))
def test_intent_has_enough_different_utterances(intent: str) -> None:
    different = {bare(utterance) or plain(utterance) for utterance in training_examples()[intent]}
    assert len(different) >= FEWEST_EXAMPLES.get(intent, 40)


def test_no_utterance_has_two_intents() -> None:
    intents: dict[str, set[str]] = {}
    for intent, utterances in training_examples().items():
        for utterance in utterances:
            intents.setdefault(plain(utterance).strip().lower(), set()).add(intent)
    assert {text: found for text, found in intents.items() if len(found) > 1} == {}


@pytest.mark.parametrize("folder", [HELD_OUT, HELD_OUT / "calls"])
def test_each_held_out_set_covers_every_intent_and_only_those(folder: Path) -> None:
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    assert {json.loads(line)["intent"] for line in lines} == INTENTS


def test_held_out_shares_no_utterance_with_training() -> None:
    trained = {bare(utterance) for utterances in training_examples().values() for utterance in utterances}
    assert [row["text"] for row in held_out_rows() if bare(row["text"]) and bare(row["text"]) in trained] == []


def test_held_out_repeats_no_utterance() -> None:
    counts = Counter(bare(row["text"]) or row["text"] for row in held_out_rows())
    assert [text for text, count in counts.items() if count > 1] == []


def test_annotations_are_well_formed_and_of_known_entities() -> None:
    for utterances in training_examples().values():
        for utterance in utterances:
            assert not re.search(r"[\[\]{}]", plain(utterance)), utterance
            assert {entity for entity, _, _ in annotations(utterance)} <= ENTITIES, utterance


def test_held_out_entities_are_known_and_occur_in_the_text() -> None:
    for row in held_out_rows():
        for entity in row["entities"]:
            assert entity["entity"] in ENTITIES, row
            assert entity["entity"] in ("card_type", "currency") or entity["value"] in row["text"], row


def test_values_of_card_types_and_currencies_are_normalised() -> None:
    for utterances in training_examples().values():
        for utterance in utterances:
            for entity, _, value in annotations(utterance):
                assert entity != "card_type" or value in CARD_TYPES, utterance
                assert entity != "currency" or re.fullmatch("[A-Z]{3}", value), utterance


def test_domain_names_the_entities() -> None:
    assert set(domain()["entities"]) == ENTITIES


def test_lookups_regexes_and_synonyms_compile() -> None:
    for file in sorted((PROJECT / "nlu_data" / "lookups").glob("*.yml")):
        for item in read_yaml(file)["nlu"]:
            assert item.get("lookup", item.get("regex")) in ENTITIES or "synonym" in item, file.name
            if "regex" in item:
                for line in item["examples"].splitlines():
                    re.compile(line.removeprefix("- "))


def test_dictionary_is_readable_by_jieba() -> None:
    files = sorted((PROJECT / "nlu_data" / "dictionary").iterdir())
    assert files
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r".+?( \d+)?( [a-z]+)?", line), f"{file.name}: {line}"


def test_every_intent_has_exactly_one_rule() -> None:
    ruled = Counter(rule["steps"][0]["intent"] for rule in rules())
    assert set(ruled) == INTENTS | {"nlu_fallback"}
    assert set(ruled.values()) == {1}


def test_rules_call_only_known_actions_and_responses() -> None:
    known = set(domain()["actions"]) | set(domain()["responses"])
    for rule in rules():
        assert {step["action"] for step in rule["steps"][1:]} <= known, rule["rule"]


def test_rules_depend_on_nothing_but_the_last_message() -> None:
    for rule in rules():
        assert set(rule) == {"rule", "steps"}, rule["rule"]
        assert [set(step) for step in rule["steps"]] == [{"intent"}, {"action"}], rule["rule"]


def test_every_action_of_the_domain_is_implemented() -> None:
    sources = "".join(file.read_text(encoding="utf-8") for file in (PROJECT / "bot" / "actions").glob("*.py"))
    for action in domain()["actions"]:
        assert f'return "{action}"' in sources


def test_responses_come_in_variations_and_without_markup() -> None:
    for name, variations in domain()["responses"].items():
        texts = [variation["text"] for variation in variations]
        assert len(set(texts)) >= 2 or name == "utter_default", name
        assert all(len(text) <= 80 and not re.search(r"[<>*`\[\]]", text) for text in texts), name


def test_task_articles_name_existing_articles_for_existing_tasks() -> None:
    articles = {
        read_yaml_front(file)["key"] for file in (PROJECT / "kb" / "articles").rglob("*") if file.suffix == ".md"
    }
    table = read_yaml(PROJECT / "bot" / "actions" / "task_articles.yml")
    acknowledged = {"praise", "suggest"}  # answered without an article
    assert set(table) == TASKS - acknowledged
    for task, row in table.items():
        assert set(row) <= {"articles", "by_card_type", "own_articles_only"}, task
        by_card_type: dict[str, list[str]] = row.get("by_card_type", {})
        assert set(by_card_type) <= CARD_TYPES, task
        assert {key for keys in [row["articles"], *by_card_type.values()] for key in keys} <= articles, task


def read_yaml_front(file: Path) -> dict[str, Any]:
    front: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8").split("\n---", 1)[0].removeprefix("---"))
    return front
