"""Lets Rasa start where TensorFlow is not installed.

Rasa imports TensorFlow for components that this bot does not use (DIET, TED, ResponseSelector …): 2 GB to install,
350 MB of memory and three CPU seconds at each start, for nothing. In its place stand modules whose names can be
imported, inherited from and used as decorators, and nothing more: whoever really computes gets TensorFlowMissing.
Where TensorFlow is installed (for a DIET pipeline: `pip install tensorflow==2.12.0`) nothing is replaced.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Sequence
from typing import Any

PACKAGES = ("tensorflow", "tensorflow_hub", "tensorflow_text", "keras")


class TensorFlowMissing(RuntimeError):
    """Something in the pipeline needs TensorFlow, which is not installed."""


class _AbsentType(type):
    """Classes of which only the name exists."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(f"{cls.__name__}.{name}")

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        if cls.__bases__ != (object,):
            raise TensorFlowMissing(f"{cls.__name__} needs TensorFlow, which is not installed")
        if len(arguments) == 1 and callable(arguments[0]) and not options:
            return arguments[0]  # used as a decorator
        if options and not arguments:
            return cls  # a decorator with options, still to be applied
        raise TensorFlowMissing(f"{cls.__name__} was called, and TensorFlow is not installed")


def _absent(name: str) -> _AbsentType:
    return _AbsentType(name, (), {})


class _AbsentModule(types.ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _absent(f"{self.__name__}.{name}")


class _AbsentPackages(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in PACKAGES:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _AbsentModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to execute."""


def stand_in() -> bool:
    """Put the stand-ins in place unless TensorFlow is there; True when they are used. Before the first Rasa import."""
    if any(isinstance(finder, _AbsentPackages) for finder in sys.meta_path):
        return True
    if importlib.util.find_spec("tensorflow") is not None:
        return False
    sys.meta_path.append(_AbsentPackages())
    return True
