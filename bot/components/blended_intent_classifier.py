"""The intent of an utterance from its meaning (sentence vector), its letters and its sound."""

import json
import unicodedata
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type

import numpy as np
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
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from bot.components.ngrams import character_ngrams, sound_ngrams
from bot.components.onnx_sentence_featurizer import EMBEDDING_FAILED

FALLBACK = {"name": "nlu_fallback", "confidence": 0.0}
CALIBRATION_FOLDS = 5
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
        """Learn the n-grams of `texts`."""
        vectorizer = TfidfVectorizer(analyzer=grams).fit(texts)
        return cls(grams, dict(zip(vectorizer.get_feature_names_out().tolist(), vectorizer.idf_.tolist(), strict=True)))

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
    """Linear support vector machine over sentence vectors, character n-grams and sound n-grams.

    Its margins become confidences by a temperature that is fitted on utterances the machine has not seen.
    Figures against Rasa's own classifiers: nlu_data/README.md.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        return [Featurizer]

    @staticmethod
    def required_packages() -> List[str]:
        return ["sklearn", "pypinyin"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        """`*_weight`: how much each view of the utterance counts; `C`: how closely the examples are followed;

        `favoured`: intent → what is added to its margin. For intents that must not be missed: taking a question for a
        call for help costs the customer a sentence, the other way round it may cost his money.
        """
        return {
            "vector_weight": 1.5,
            "character_weight": 1.2,
            "sound_weight": 1.2,
            "longest_ngram": 3,
            "C": 1.0,
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
        self._centre = np.zeros(0, dtype=np.float32)
        self._weights = np.zeros((0, 0), dtype=np.float32)  # [features, intents], views weighted in
        self._bias = np.zeros(0, dtype=np.float32)
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
        texts = [message.get(TEXT) for message in examples]
        labels = np.array([message.get(INTENT) for message in examples])
        unknown = set(self._config["favoured"]) - set(labels)
        if unknown:
            raise RasaException(f"favoured intents without examples: {sorted(unknown)}")
        features = self._fit_features(texts, np.stack([_vector_of(message) for message in examples]))
        self._temperature = self._fitted_temperature(features, labels)
        machine = self._machine().fit(features, labels)
        self._intents = machine.classes_.tolist()
        self._weights = (machine.coef_.T * self._view_weights()[:, np.newaxis]).astype(np.float32)
        favours = [float(self._config["favoured"].get(intent, 0.0)) for intent in self._intents]
        self._bias = (machine.intercept_ + np.array(favours)).astype(np.float32)
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
        confidences = _confidences(self._margins(text, vector), self._temperature)
        return [
            {"name": self._intents[intent], "confidence": float(confidences[intent])}
            for intent in np.argsort(-confidences)[:RANKING_LENGTH]
        ]

    def _margins(self, text: str, vector: np.ndarray) -> np.ndarray:
        assert self._characters is not None, "the classifier is not trained"
        assert self._sounds is not None
        margins = _centred(vector, self._centre) @ self._weights[: len(self._centre)] + self._bias
        first = len(self._centre)
        for view in (self._characters, self._sounds):
            columns, values = view.columns_and_values(text)
            margins = margins + values @ self._weights[first + columns]
            first += len(view.idf)
        return margins

    def _fit_features(self, texts: List[str], vectors: np.ndarray) -> csr_matrix:
        self._centre = vectors.mean(axis=0)
        self._characters = NgramWeights.fitted(self._look, texts)
        self._sounds = NgramWeights.fitted(self._sound, texts)
        views = [
            csr_matrix(_centred(vectors, self._centre)),
            self._characters.matrix(texts),
            self._sounds.matrix(texts),
        ]
        features: csr_matrix = hstack(views).tocsr()
        return features.multiply(self._view_weights()[np.newaxis, :]).tocsr()

    def _view_weights(self) -> np.ndarray:
        assert self._characters is not None
        assert self._sounds is not None
        return np.concatenate(
            [
                np.full(len(self._centre), self._config["vector_weight"]),
                np.full(len(self._characters.idf), self._config["character_weight"]),
                np.full(len(self._sounds.idf), self._config["sound_weight"]),
            ]
        ).astype(np.float64)

    def _machine(self) -> LinearSVC:
        return LinearSVC(C=self._config["C"], class_weight="balanced", random_state=self._config["random_state"])

    def _fitted_temperature(self, features: csr_matrix, labels: np.ndarray) -> float:
        """The factor on the margins that makes the true intents of unseen utterances most likely.

        C. Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2 (here a factor, there a divisor).
        """
        folds = StratifiedKFold(CALIBRATION_FOLDS, shuffle=True, random_state=self._config["random_state"])
        names, positions = np.unique(labels, return_inverse=True)
        margins = np.zeros((len(labels), len(names)))
        for seen, unseen in folds.split(features, labels):
            margins[unseen] = self._machine().fit(features[seen], labels[seen]).decision_function(features[unseen])

        def loss(temperature: float) -> float:
            likelihoods = _confidences(margins, temperature)[np.arange(len(labels)), positions]
            return -float(np.log(likelihoods + 1e-12).mean())

        return float(minimize_scalar(loss, bounds=(0.5, 20.0), method="bounded").x)

    def _persist(self) -> None:
        assert self._characters is not None
        assert self._sounds is not None
        with self._model_storage.write_to(self._resource) as folder:
            np.savez(folder / "weights.npz", weights=self._weights, bias=self._bias, centre=self._centre)
            vocabulary = {
                "intents": self._intents,
                "temperature": self._temperature,
                "characters": self._characters.idf,
                "sounds": self._sounds.idf,
            }
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
        self._characters = NgramWeights(self._look, vocabulary["characters"])
        self._sounds = NgramWeights(self._sound, vocabulary["sounds"])
        with np.load(folder / "weights.npz", allow_pickle=False) as stored:
            self._weights, self._bias, self._centre = stored["weights"], stored["bias"], stored["centre"]


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


def _confidences(margins: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax over the last axis."""
    powers = np.exp((margins - margins.max(axis=-1, keepdims=True)) * temperature)
    return powers / powers.sum(axis=-1, keepdims=True)
