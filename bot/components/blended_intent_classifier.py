"""The intent of an utterance from its meaning (sentence vector), its letters and its sound."""

import json
import unicodedata
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type

import numpy as np
import scipy.linalg
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.featurizers.featurizer import Featurizer
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix

from bot.components.ngrams import character_ngrams, sound_ngrams
from bot.components.onnx_sentence_featurizer import EMBEDDING_FAILED

FALLBACK = {"name": "nlu_fallback", "confidence": 0.0}
CALIBRATION_EXAMPLES = 500
KERNEL_ROWS = 1000  # computed at once: bounds the memory of training
RANKING_LENGTH = 5  # the ranking is kept with each remembered message


class NgramWeights:
    """Sub-linear tf-idf over n-grams, as a plain dictionary: quick for one utterance and stored without pickle."""

    def __init__(self, grams: Callable[[str], List[str]], idf: Dict[str, float]) -> None:
        self._grams = grams
        self.idf = idf
        self._columns = {gram: column for column, gram in enumerate(idf)}
        self._weights = np.array(list(idf.values()), dtype=np.float32)

    @classmethod
    def fitted(cls, grams: Callable[[str], List[str]], texts: Sequence[str]) -> "NgramWeights":
        """Learn the n-grams of `texts`.

        A longer n-gram of one utterance alone makes it like no other; leaving those out makes the model a third.
        """
        occurrences = Counter(gram for text in texts for gram in set(grams(text)))
        shared = sorted(gram for gram, count in occurrences.items() if count > 1 or len(gram) == 1)
        return cls(grams, {gram: float(np.log((1 + len(texts)) / (1 + occurrences[gram])) + 1) for gram in shared})

    def columns_and_values(self, text: str) -> Tuple[np.ndarray, np.ndarray]:
        """The columns of the known n-grams of `text` and their values, of length 1 together."""
        counts: Dict[int, int] = {}
        for gram in self._grams(text):
            column = self._columns.get(gram)
            if column is not None:
                counts[column] = counts.get(column, 0) + 1
        columns = np.fromiter(counts, dtype=np.int32, count=len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))) * self._weights[
            columns
        ]
        length = np.linalg.norm(values)
        return columns, values / length if length else values

    def matrix(self, texts: Sequence[str]) -> csr_matrix:
        """Shape [texts, n-grams]."""
        rows = [self.columns_and_values(text) for text in texts]
        ends = np.cumsum([0] + [len(columns) for columns, _ in rows])
        values = np.concatenate([values for _, values in rows])
        columns = np.concatenate([columns for columns, _ in rows])
        return csr_matrix((values, columns, ends), shape=(len(texts), len(self.idf)))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class BlendedIntentClassifier(IntentClassifier, GraphComponent):
    """Kernel ridge regression from utterances to intents.

    The kernel of two utterances is a sum of three likenesses: a Gaussian of their sentence vectors, and the tf-idf
    cosines of their character n-grams and sound n-grams. A fitted temperature makes the scores confidences.
    Figures against other classifiers: nlu_data/README.md.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[str]:
        return ["scipy", "pypinyin"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`narrowness`: of the Gaussian; `*_weight`: of the other likenesses; `ridge`: doubt about the examples;

        `favoured`: intent → what is added to its score. For intents that must not be missed: taking a question for a
        call for help costs the customer a sentence, the other way round it may cost his money.
        """
        return {
            "narrowness": 2.0,
            "character_weight": 0.4,
            "sound_weight": 0.4,
            "ridge": 0.3,
            "longest_ngram": 3,
            "favoured": {},
            "random_state": 42,
        }

    def __init__(self, config: Dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        longest = int(config["longest_ngram"])
        self._look = partial(character_ngrams, longest=longest)
        self._sound = partial(sound_ngrams, longest=longest)
        self._characters: Optional[NgramWeights] = None
        self._sounds: Optional[NgramWeights] = None
        self._intents: List[str] = []
        self._mean = np.zeros(0, dtype=np.float32)
        self._examples = np.zeros((0, 0), dtype=np.float32)  # [examples, dimensions], centred
        # [examples, intents] and [n-grams, intents]: the n-gram likenesses are linear, so that their examples add up.
        self._example_weights = np.zeros((0, 0), dtype=np.float32)
        self._character_weights = np.zeros((0, 0), dtype=np.float32)
        self._sound_weights = np.zeros((0, 0), dtype=np.float32)
        self._favours = np.zeros(0, dtype=np.float32)
        self._temperature = 1.0

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "BlendedIntentClassifier":
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Fit on all examples with an intent. Raises RasaException for an unknown favoured intent."""
        examples = [message for message in training_data.intent_examples if message.get(TEXT)]
        intents, labels = np.unique([message.get(INTENT) for message in examples], return_inverse=True)
        unknown = set(self._config["favoured"]) - set(intents)
        if unknown:
            raise RasaException(f"favoured intents without examples: {sorted(unknown)}")
        self._intents = intents.tolist()
        self._favours = self._favours_by_intent()
        texts = [message.get(TEXT) for message in examples]
        self._fit(texts, np.stack([_vector_of(message) for message in examples]), labels)
        self._persist()
        return self._resource

    def process(self, messages: List[Message]) -> List[Message]:
        """Set intent and ranking; `nlu_fallback` at 0 for a message without a sentence vector or a known character."""
        for message in messages:
            ranking: List[Dict[str, Any]] = []
            if not message.get(EMBEDDING_FAILED) and self._reads(message.get(TEXT)):
                ranking = self._ranking(message.get(TEXT), _vector_of(message))
            message.set(INTENT, ranking[0] if ranking else dict(FALLBACK), add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        return training_data

    def _reads(self, text: Optional[str]) -> bool:
        """Whether any letter, digit or symbol of `text` occurred in training; any guess would be noise otherwise."""
        assert self._characters is not None, "the classifier is not trained"
        known = self._characters.idf
        return any(sign in known for sign in (text or "").lower() if unicodedata.category(sign)[0] not in "PZC")

    def _ranking(self, text: str, vector: np.ndarray) -> List[Dict[str, Any]]:
        confidences = _confidences(self._scores(text, vector) + self._favours, self._temperature)
        return [
            {"name": self._intents[intent], "confidence": float(confidences[intent])}
            for intent in np.argsort(-confidences)[:RANKING_LENGTH]
        ]

    def _scores(self, text: str, vector: np.ndarray) -> np.ndarray:
        """About 1 for the intent of `text` and 0 for the others."""
        assert self._characters is not None, "the classifier is not trained"
        assert self._sounds is not None
        scores: np.ndarray = self._nearness(_centred(vector, self._mean)) @ self._example_weights
        views = ((self._characters, self._character_weights), (self._sounds, self._sound_weights))
        for ngrams, weights in views:
            columns, values = ngrams.columns_and_values(text)
            scores = scores + values @ weights[columns]
        return scores

    def _nearness(self, vectors: np.ndarray) -> np.ndarray:
        """Gaussian likeness of centred vectors to all examples."""
        return np.exp(self._config["narrowness"] * (vectors @ self._examples.T - 1))

    def _fit(self, texts: List[str], vectors: np.ndarray, labels: np.ndarray) -> None:
        self._mean = vectors.mean(axis=0)
        self._examples = _centred(vectors, self._mean)
        self._characters = NgramWeights.fitted(self._look, texts)
        self._sounds = NgramWeights.fitted(self._sound, texts)
        characters, sounds = self._characters.matrix(texts), self._sounds.matrix(texts)
        character_weight, sound_weight = self._config["character_weight"], self._config["sound_weight"]

        kernel = self._nearness(self._examples)
        for start in range(0, len(texts), KERNEL_ROWS):
            rows = slice(start, start + KERNEL_ROWS)
            likeness = character_weight * characters[rows] @ characters.T + sound_weight * sounds[rows] @ sounds.T
            kernel[rows] += likeness.toarray()
        self._example_weights = self._solve(kernel, np.eye(len(self._intents), dtype=np.float32)[labels])
        self._character_weights = character_weight * (characters.T @ self._example_weights)
        self._sound_weights = sound_weight * (sounds.T @ self._example_weights)

    def _solve(self, kernel: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The weights of the examples [examples, intents]; fits the temperature on the way, in place of `kernel`.

        With W the weights and A the inverse of kernel + ridge, the scores of the examples H without their own targets
        are Y_H - A_HH^-1 W_H: one factorisation serves both. R. Rifkin, R. Lippert: Notes on Regularized Least Squares,
        2007, give it for one example at a time.
        """
        targets = targets - targets.mean(axis=1, keepdims=True)
        kernel[np.diag_indices_from(kernel)] += self._config["ridge"]
        factor = scipy.linalg.cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
        weights: np.ndarray = scipy.linalg.cho_solve(factor, targets, check_finite=False)

        count = len(targets)
        unseen = np.random.default_rng(self._config["random_state"]).permutation(count)[:CALIBRATION_EXAMPLES]
        own = np.zeros((count, len(unseen)), dtype=np.float32)
        own[unseen, np.arange(len(unseen))] = 1.0
        inverse = scipy.linalg.cho_solve(factor, own, overwrite_b=True, check_finite=False)[unseen]
        scores = targets[unseen] - np.linalg.solve(inverse, weights[unseen])
        self._temperature = _fitted_temperature(scores, targets[unseen].argmax(axis=1))
        return weights

    def _favours_by_intent(self) -> np.ndarray:
        favoured: Dict[str, float] = self._config["favoured"]
        return np.array([favoured.get(intent, 0.0) for intent in self._intents], dtype=np.float32)

    def _persist(self) -> None:
        assert self._characters is not None
        assert self._sounds is not None
        arrays = {
            "mean": self._mean,
            "examples": self._examples,
            "example_weights": self._example_weights,
            "character_weights": self._character_weights,
            "sound_weights": self._sound_weights,
        }
        vocabulary = {
            "intents": self._intents,
            "temperature": self._temperature,
            "characters": self._characters.idf,
            "sounds": self._sounds.idf,
        }
        with self._model_storage.write_to(self._resource) as folder:
            # Half the file, and no score changes by more than a thousandth.
            np.savez(folder / "arrays.npz", **{name: array.astype(np.float16) for name, array in arrays.items()})
            (folder / "vocabulary.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "BlendedIntentClassifier":
        classifier = cls(config, model_storage, resource)
        with model_storage.read_from(resource) as folder:
            classifier._restore(folder)
        return classifier

    def _restore(self, folder: Path) -> None:
        vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self._intents = vocabulary["intents"]
        self._temperature = vocabulary["temperature"]
        self._favours = self._favours_by_intent()
        self._characters = NgramWeights(self._look, vocabulary["characters"])
        self._sounds = NgramWeights(self._sound, vocabulary["sounds"])
        with np.load(folder / "arrays.npz", allow_pickle=False) as stored:
            arrays = {name: stored[name].astype(np.float32) for name in stored.files}
        self._mean, self._examples = arrays["mean"], arrays["examples"]
        self._example_weights = arrays["example_weights"]
        self._character_weights, self._sound_weights = arrays["character_weights"], arrays["sound_weights"]


def _vector_of(message: Message) -> np.ndarray:
    """The sentence vector, shape [dimensions]. Raises RasaException where no dense featurizer ran before."""
    _, sentence = message.get_dense_features(TEXT)
    if sentence is None:
        raise RasaException("BlendedIntentClassifier needs a dense sentence featurizer before it in config.yml")
    vector: np.ndarray = sentence.features[0]
    return vector


def _centred(vectors: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Directions from the mean utterance, of length 1: all sentence vectors of this model point much the same way."""
    moved = vectors - centre
    return moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-9)


def _confidences(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax over the last axis."""
    powers = np.exp((scores - scores.max(axis=-1, keepdims=True)) * temperature)
    return powers / powers.sum(axis=-1, keepdims=True)


def _fitted_temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    """The factor on the scores that makes the true intents of unseen utterances most likely.

    C. Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2 (here a factor, there a divisor).
    """

    def loss(temperature: float) -> float:
        likelihoods = _confidences(scores, temperature)[np.arange(len(labels)), labels]
        return -float(np.log(likelihoods + 1e-12).mean())

    return float(minimize_scalar(loss, bounds=(0.5, 50.0), method="bounded").x)
