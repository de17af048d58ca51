"""From a checkpoint to the finished model: export, language part, search settings, evaluation, model card.

python -m asr.training.finish CHECKPOINT
"""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from asr.language.build import Text, build_language, read_sentences
from asr.training.card import Origin, write_card
from asr.training.evaluation import Figure, choice_tasks, measure_all, synthetic_tasks
from asr.training.examples import ExampleSet, speakers_in
from asr.training.examples import is_complete as examples_complete
from asr.training.export import export, write_search_settings
from asr.training.features import FRAME_SHIFT, SAMPLE_RATE
from asr.training.places import EXAMPLES, MODEL_NAME, MODELS, TEXT, WORK
from asr.training.scoring import phone_error
from asr.training.train import Trainer, held_back

# How much the language model listens to the product's own sentences, and to those that grammars make.
PRODUCT_WEIGHT, GENERATED_WEIGHT = 0.75, 0.25
BEAM, ACOUSTIC_SCALE = 11.0, 1.0


def finish(checkpoint: Path) -> None:
    """Make the model in a folder beside the old one, measure it, and put it in the old one's place."""
    draft = WORK / "model"
    shutil.rmtree(draft, ignore_errors=True)
    trainer = Trainer.load(checkpoint)
    network = trainer.averaged()
    export(network, draft)
    write_search_settings(draft, BEAM, ACOUSTIC_SCALE)
    build_language(_texts(), draft / "graph")
    figures = measure_all(draft, {**synthetic_tasks(), **choice_tasks()})
    examples = held_back()
    real = phone_error(network, examples) if examples else None
    _write_figures(draft, figures, real)
    write_card(draft, _origin(trainer), figures, real)
    target = MODELS / MODEL_NAME
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(draft, target)
    print(f"the model is in {target}")


def _texts() -> list[Text]:
    product, generated = (read_sentences(TEXT / f"language-{kind}.txt") for kind in ("product", "generated"))
    return [Text(PRODUCT_WEIGHT, product), Text(GENERATED_WEIGHT, generated)]


def _origin(trainer: Trainer) -> Origin:
    """What the network has been trained on, counted without its varied copies."""
    ready = [ExampleSet(folder) for folder in sorted(EXAMPLES.glob("*-0")) if examples_complete(folder)]
    real = [part for part in ready if part.name.startswith("real-")]
    synthetic = [part for part in ready if part.name.startswith("synthetic-")]
    return Origin(
        sum(value.numel() for value in trainer.network.parameters()), trainer.step, trainer.sentences,
        network_context_seconds=tuple(frames * FRAME_SHIFT / SAMPLE_RATE for frames in trainer.network.context),
        real_hours=_hours(real), real_speakers=len(speakers_in(real)), synthetic_hours=_hours(synthetic),
        synthetic_speakers=len(speakers_in(synthetic)),
    )  # fmt: skip


def _hours(sets: list[ExampleSet]) -> float:
    return sum(example.frames for part in sets for example in part.examples) * FRAME_SHIFT / SAMPLE_RATE / 3600


def _write_figures(folder: Path, figures: dict[str, Figure], real: float | None) -> None:
    """figures.json: the numbers of the card for machines, with every sentence and what was heard."""
    table = {"phone_error_real_speakers": real, "tasks": {name: asdict(figure) for name, figure in figures.items()}}
    (folder / "figures.json").write_text(json.dumps(table, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    finish(Path(sys.argv[1]))
