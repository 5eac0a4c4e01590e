"""Training a classifier on labelled data: settings, the loop, checkpoints, and the folder a run leaves behind.

This is what ``tensorgrad train`` runs on; each part can be used alone.
"""

from .checkpoint import load_checkpoint, save_checkpoint
from .errors import CheckpointError, Diverged, MissingPackage, SettingsError
from .folder import RunFolder
from .metrics import confusion_matrix
from .model import Classifier, load_model, save_model
from .pictures import draw_confusion_matrix, draw_learning_curve
from .prepare import Prepared, prepare
from .scaling import Scaling
from .session import Session
from .settings import Settings

__all__ = [
    "CheckpointError",
    "Classifier",
    "Diverged",
    "MissingPackage",
    "Prepared",
    "RunFolder",
    "Scaling",
    "Session",
    "Settings",
    "SettingsError",
    "confusion_matrix",
    "draw_confusion_matrix",
    "draw_learning_curve",
    "load_checkpoint",
    "load_model",
    "prepare",
    "save_checkpoint",
    "save_model",
]
