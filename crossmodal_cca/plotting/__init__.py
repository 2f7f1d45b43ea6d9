"""Display classes in scikit-learn's form: they hold data and draw it, and compute nothing."""

from .canonical_correlation import CanonicalCorrelationDisplay
from .component_summary import ComponentSummaryDisplay
from .correlation_circle import CorrelationCircleDisplay
from .cross_validation import CrossValidationDisplay
from .few_shot import FewShotDisplay
from .hit_rate import HitRateDisplay
from .hubness import HubnessDisplay
from .precision_recall import PrecisionRecallDisplay
from .rank_histogram import RankHistogramDisplay
from .shared_space import SharedSpaceDisplay
from .similarity_matrix import SimilarityMatrixDisplay
from .transfer_gain import TransferGainDisplay

__all__ = [
    "CanonicalCorrelationDisplay",
    "ComponentSummaryDisplay",
    "CorrelationCircleDisplay",
    "CrossValidationDisplay",
    "FewShotDisplay",
    "HitRateDisplay",
    "HubnessDisplay",
    "PrecisionRecallDisplay",
    "RankHistogramDisplay",
    "SharedSpaceDisplay",
    "SimilarityMatrixDisplay",
    "TransferGainDisplay",
]
