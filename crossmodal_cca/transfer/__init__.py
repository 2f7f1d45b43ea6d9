"""Transfer across modalities: zero-shot, few-shot, and one modality's labels serving the other."""

from .cache import CacheSimilarity
from .classifier import CrossModalClassifier
from .discriminant import GaussianDiscriminant
from .eszsl import ESZSLClassifier
from .few_shot import few_shot_episodes
from .gain import few_shot_report, transfer_gain
from .logistic import PrototypeLogisticRegression
from .prediction import prediction_intervals, prediction_report
from .prototypes import PrototypeClassifier, PrototypeSimilarity
from .shared_space import SharedSpace

__all__ = [
    "CacheSimilarity",
    "CrossModalClassifier",
    "ESZSLClassifier",
    "GaussianDiscriminant",
    "PrototypeClassifier",
    "PrototypeLogisticRegression",
    "PrototypeSimilarity",
    "SharedSpace",
    "few_shot_episodes",
    "few_shot_report",
    "prediction_intervals",
    "prediction_report",
    "transfer_gain",
]
