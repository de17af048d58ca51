"""CTC training of the network on one CPU thread, resumable at any moment and extensible afterwards.

The learning rate warms up, stays, and falls to nothing over the last steps (warm-up, stable, decay; Hu et al. 2024).
The *trunk* is the checkpoint before the fall: more steps can be added to it later, with more data, at no loss. The fall
is repeated from there.

python -m asr.training.train --steps 20000 --decay 4000
"""

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from asr.training.distortion import Distorter
from asr.training.examples import SUBSAMPLING, ExampleSet
from asr.training.examples import is_complete as examples_complete
from asr.training.features import MEL_BINS
from asr.training.network import DEEPER, SHALLOW, Network, Shape
from asr.training.places import EXAMPLES, TRAINING
from asr.training.sampling import Drawn, Source, batches, draw_round
from asr.training.scoring import phone_error

# Enough for the network to stop getting better noticeably; some eight hours on an idle core of 2021.
STEPS, DECAY = 60_000, 12_000
LEARNING_RATE = 1.5e-3
WARM_UP_STEPS = 300
FULL_SEVERITY_STEP = 8000
DEEPENED_AT = 15000
WEIGHT_DECAY = 1e-3
LARGEST_GRADIENT = 5.0
AVERAGED_STEPS = 400  # the average of the weights looks back about so far
SAVED_EVERY = 200
MEASURED_EVERY = 1000
REAL_SHARE, SYNTHETIC_SHARE, NO_SPEECH_SHARE = 0.58, 0.39, 0.03
MEASURED_SENTENCES = 120
SEED = 2026


@dataclass(frozen=True)
class Batch:
    """Log mel energies [sentences, frames, MEL_BINS] padded with their last frame, their lengths in output frames, all
    labels in one row, and the labels of each sentence."""

    log_mel: Tensor
    lengths: Tensor
    labels: Tensor
    label_lengths: Tensor


class Trainer:
    """A network in training with everything that its continuation needs."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.average = {name: value.clone() for name, value in network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY
        )
        self.step = 0
        self.sentences = 0

    def train_on(self, batch: Batch, rate: float) -> float:
        """Take one step at the learning rate `rate` and return the loss a label."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        log_probs = self.network(batch.log_mel).transpose(0, 1)
        loss = (
            functional.ctc_loss(
                log_probs,
                batch.labels,
                batch.lengths,
                batch.label_lengths,
                blank=0,
                reduction="sum",
                zero_infinity=True,
            )
            / batch.label_lengths.sum()
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        self.step += 1
        self.sentences += len(batch.lengths)
        self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        weight = max(1 / AVERAGED_STEPS, 1 / self.step)
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, weight)
            else:
                self.average[name].copy_(value)

    def averaged(self) -> Network:
        """A copy of the network with the average of its latest weights, for use."""
        network = Network(self.network.shape)
        network.load_state_dict(self.average)
        return network.eval()

    def is_deep(self) -> bool:
        return len(self.network.shape.splices) > len(SHALLOW)

    def deepened(self) -> "Trainer":
        """The same training with the deeper layers added."""
        trainer = Trainer(self.network.deepened(DEEPER))
        trainer.step, trainer.sentences = self.step, self.sentences
        return trainer

    def save(self, path: Path) -> None:
        draft = path.with_suffix(".new")
        state = {"shape": self.network.shape.stored(), "network": self.network.state_dict(), "average": self.average,
                 "optimizer": self.optimizer.state_dict(), "step": self.step, "sentences": self.sentences}  # fmt: skip
        torch.save(state, draft)
        draft.rename(path)

    @classmethod
    def load(cls, path: Path) -> "Trainer":
        state: dict[str, Any] = torch.load(path, weights_only=True)
        trainer = cls(Network(Shape.of(state["shape"])))
        trainer.network.load_state_dict(state["network"])
        trainer.average = state["average"]
        trainer.optimizer.load_state_dict(state["optimizer"])
        trainer.step, trainer.sentences = state["step"], state["sentences"]
        return trainer


@dataclass(frozen=True)
class Schedule:
    """`steps` in all, over the last `decay` of which the learning rate falls to nothing."""

    steps: int
    decay: int

    def rate(self, step: int) -> float:
        rising = min(1.0, (step + 1) / WARM_UP_STEPS)
        falling = min(1.0, (self.steps - step) / self.decay) if self.decay else 1.0
        return LEARNING_RATE * min(rising, falling)


def sources() -> list[Source]:
    """All examples that are there, also those that have arrived since the last look."""
    ready = [ExampleSet(folder) for folder in sorted(EXAMPLES.glob("*")) if examples_complete(folder)]
    real = [part for part in ready if part.name.startswith("real-")]
    synthetic = [part for part in ready if part.name.startswith("synthetic-")]
    no_speech = [part for part in ready if part.name.startswith("no-speech-")]
    return [
        Source("real", real, REAL_SHARE),
        Source("synthetic", synthetic, SYNTHETIC_SHARE),
        Source("no speech", no_speech, NO_SPEECH_SHARE),
    ]


def make_batch(drawn: Sequence[Drawn], distorter: Distorter) -> Batch:
    """Distort the sentences and pad them to one length."""
    plain = [part.log_mel(example) for part, example in drawn]
    sentences = [distorter.distort(one, plain) for one in plain]
    return collate(sentences, [example.labels for _, example in drawn])


def collate(sentences: Sequence[np.ndarray[Any, Any]], labels: Sequence[Sequence[int]]) -> Batch:
    longest = max(len(sentence) for sentence in sentences)
    padded = np.empty((len(sentences), longest, MEL_BINS), np.float32)
    for row, sentence in zip(padded, sentences, strict=True):
        row[: len(sentence)] = sentence
        row[len(sentence) :] = sentence[-1]
    return Batch(
        torch.from_numpy(padded),
        torch.tensor([(len(sentence) + SUBSAMPLING - 1) // SUBSAMPLING for sentence in sentences]),
        torch.tensor(list(itertools.chain.from_iterable(labels))),
        torch.tensor([len(one) for one in labels]),
    )


def endless_batches(trainer: Trainer) -> Iterator[Batch]:
    """Batches of one round after the other; the data are looked at anew before each."""
    rng = np.random.default_rng(SEED + trainer.step)
    distorter = Distorter(rng)
    while True:
        distorter.severity = min(1.0, trainer.step / FULL_SEVERITY_STEP)
        drawn = draw_round(sources(), rng)
        print(f"round of {len(drawn)} sentences", flush=True)
        for group in batches(drawn, rng):
            yield make_batch(group, distorter)


def new_trainer() -> Trainer:
    torch.manual_seed(SEED)
    network = Network(Shape(splices=SHALLOW))
    rng = np.random.default_rng(SEED)
    frames = np.concatenate([part.log_mel(example) for part, example in draw_round(sources(), rng)[:500]])
    network.mean.copy_(torch.from_numpy(frames.mean(axis=0)))
    network.deviation.copy_(torch.from_numpy(frames.std(axis=0)))
    return Trainer(network)


def held_back() -> ExampleSet | None:
    folder = EXAMPLES / "held-back"
    return ExampleSet(folder) if examples_complete(folder) else None


def train(schedule: Schedule, folder: Path = TRAINING) -> Path:
    """Train until `schedule` ends and return the final checkpoint, from whatever earlier runs have left."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"final-{schedule.steps}.pt"
    if final.is_file():
        return final
    falling, trunk = folder / f"falling-{schedule.steps}.pt", folder / "trunk.pt"
    start = next((path for path in (falling, trunk) if path.is_file()), None)
    trainer = Trainer.load(start) if start else new_trainer()
    stable = schedule.steps - schedule.decay
    _run(trainer, min(DEEPENED_AT, stable), schedule, trunk)
    if trainer.step == DEEPENED_AT and not trainer.is_deep():
        trainer = trainer.deepened()
    _run(trainer, stable, schedule, trunk)
    _run(trainer, schedule.steps, schedule, falling)
    trainer.save(final)
    return final


def _run(trainer: Trainer, until: int, schedule: Schedule, checkpoint: Path) -> None:
    """Train to step `until` with the rates of `schedule`, saving to `checkpoint`."""
    if trainer.step >= until:
        return
    print(f"training from step {trainer.step} to {until}: {checkpoint.name}", flush=True)
    began, begun_at, losses = time.monotonic(), trainer.step, 0.0
    for batch in endless_batches(trainer):
        losses += trainer.train_on(batch, schedule.rate(trainer.step))
        if trainer.step % SAVED_EVERY == 0:
            speed = (trainer.step - begun_at) / (time.monotonic() - began)
            print(
                f"step {trainer.step} of {schedule.steps}: loss {losses / SAVED_EVERY:.3f}, {speed:.2f} steps/s",
                flush=True,
            )
            losses = 0.0
            trainer.save(checkpoint)
        if trainer.step % MEASURED_EVERY == 0:
            _report(trainer)
        if trainer.step >= until:
            break
    trainer.save(checkpoint)


def _report(trainer: Trainer) -> None:
    examples = held_back()
    if examples is None:
        return
    error = phone_error(trainer.averaged(), examples, MEASURED_SENTENCES)
    print(f"step {trainer.step}: phone error on speakers held back {100 * error:.1f} %", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--decay", type=int, default=DECAY)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(train(Schedule(options.steps, options.decay)))


if __name__ == "__main__":
    main()
