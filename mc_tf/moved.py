"""Old places of modules: importing one works for one release, and warns where it is now."""

import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types
import warnings

__all__ = ["MOVED"]

_STORAGE = {"averaging": "averages", "checkpoint_files": "checkpoints", "files": "files"}
_EVALUATION = {"point_evaluation": "points", "evaluation_data": "data", "results": "results"}
_NETWORKS = ("conv3fc3", "convnet", "densenet", "fully_connected", "imagenet_resnet", "lstm")
_MORE = ("preresnet", "pyramidnet", "registry", "resnet", "shake_shake", "vgg", "wide_resnet")
_TRAINING = {"runs": "train", "fitting": "fit", "origins": "provenance", "scores": "evaluate"}
_LANDSCAPE = {"affine": "surface_base", "algebra": "gram", "curvature": "hessian"}
MOVED = {
    **{old: f"storage.{new}" for old, new in _STORAGE.items()},
    **{old: f"evaluation.{new}" for old, new in _EVALUATION.items()},
    **{f"models.{name}": f"models.zoo.{name}" for name in (*_NETWORKS, *_MORE, "weight_decay")},
    **{f"training.{old}": f"training.{new}" for old, new in _TRAINING.items()},
    **{f"landscape.{old}": f"landscape.{new}" for old, new in _LANDSCAPE.items()},
    "adapted": "weights.preprocessing",
    "batches": "backend.batches",
    "callbacks.steps": "callbacks.step_callback",
    "combination": "curves.combination",
    "compiling": "backend.precision",
    "ensemble.cache": "ensemble.prediction_cache",
    "flat": "weights.flat",
    "fused": "backend.fused_batch_norm",
    "landscape.grid": "landscape.evaluate",
    "landscape.kinds": "landscape.factory",
    "layers.named": "layers.standard",
    "penalty": "weights.penalty",
    "point_results": "evaluation.point_results",
    "snapshots": "storage.snapshots",
    "stateless": "weights.stateless",
    "training.workdir": "training.run_directory",
    "trivial": "curves.trivial",
}


_PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__init__.py")


class _Old(types.ModuleType):
    """A module at its old place: everything in it is the new one's."""

    def __getattr__(self, name):
        return getattr(importlib.import_module(_new_place(self.__name__)), name)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.removeprefix("mc_tf.") in MOVED and fullname.startswith("mc_tf."):
            return importlib.machinery.ModuleSpec(fullname, self)
        return None

    def create_module(self, spec):
        return _Old(spec.name)

    def exec_module(self, module):
        frame = sys._getframe(1)  # to the line that imports: outside of the import system
        while "importlib" in frame.f_code.co_filename or frame.f_code.co_filename == _PACKAGE:
            frame = frame.f_back
        text = f"`{module.__name__}` is now `{_new_place(module.__name__)}`."
        place = frame.f_code.co_filename, frame.f_lineno
        warnings.warn_explicit(
            f"{text} The old place works for one release.", DeprecationWarning, *place
        )


def _new_place(name):
    return f"mc_tf.{MOVED[name.removeprefix('mc_tf.')]}"


sys.meta_path.append(_Finder())
