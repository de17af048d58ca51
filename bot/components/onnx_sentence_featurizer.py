"""Dense sentence features from the embedding model."""

import json
import logging
from typing import Any, Dict, List, Type

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.components.sentence_encoder import SentenceEncoder, encoder_from_environment

logger = logging.getLogger(__name__)

# Set on a message that has no vector; the intent classifier then answers nlu_fallback. Zeros in place of the vector
# would be believed: accuracy falls by a third and nothing tells.
EMBEDDING_FAILED = "embedding_failed"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class OnnxSentenceFeaturizer(DenseFeaturizer, GraphComponent):
    """Adds one sentence vector to each message (no sequence features: nothing in our pipeline reads them).

    Training only remembers which embedding model it saw, so that a Rasa model is never served with another one.
    """

    @classmethod
    def required_components(cls) -> List[Type]:
        return [Tokenizer]

    @staticmethod
    def required_packages() -> List[str]:
        return ["onnxruntime", "tokenizers"]

    @staticmethod
    def get_default_config() -> Dict[str, Any]:
        return {**DenseFeaturizer.get_default_config(), "scale": 1.0}

    @staticmethod
    def supported_languages() -> None:
        return None

    def __init__(
        self,
        config: Dict[str, Any],
        name: str,
        model_storage: ModelStorage,
        resource: Resource,
        encoder: SentenceEncoder,
    ) -> None:
        """`config["scale"]` multiplies the unit vectors: it weighs them against the other features."""
        super().__init__(name, config)
        self._model_storage = model_storage
        self._resource = resource
        self._encoder = encoder
        self._scale = np.float32(config["scale"])

    @classmethod
    def validate_config(cls, config: Dict[str, Any]) -> None:
        if not float(config["scale"]) > 0:
            raise RasaException(f"{cls.__name__}: scale must be above 0")

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> "OnnxSentenceFeaturizer":
        return cls(config, execution_context.node_name, model_storage, resource, encoder_from_environment())

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> "OnnxSentenceFeaturizer":
        """Load for serving; raises RasaException when the embedding model is not the one of the training."""
        featurizer = cls.create(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as folder:
            trained_with = json.loads((folder / "encoder.json").read_text())["fingerprint"]
        if trained_with != featurizer._encoder.fingerprint:
            raise RasaException("this Rasa model was trained with another embedding model or prefix: train it again")
        return featurizer

    def train(self, training_data: TrainingData) -> Resource:
        with self._model_storage.write_to(self._resource) as folder:
            (folder / "encoder.json").write_text(json.dumps({"fingerprint": self._encoder.fingerprint}))
        return self._resource

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the vectors; unlike in serving, a failure here raises: a model must not be trained without them."""
        for message in training_data.training_examples:
            if message.get(TEXT):
                self._add_vector(message)
        return training_data

    def process(self, messages: List[Message]) -> List[Message]:
        for message in messages:
            try:
                self._add_vector(message)
            except Exception:
                # The alarm is the log line: supervision counts it. The text itself stays out of the log.
                logger.exception("embedding failed; the message goes to nlu_fallback")
                message.set(EMBEDDING_FAILED, True)
        return messages

    def _add_vector(self, message: Message) -> None:
        vector = self._encoder.encode(message.get(TEXT)) * self._scale
        self.add_features_to_message(sequence=None, sentence=vector[np.newaxis, :], attribute=TEXT, message=message)
