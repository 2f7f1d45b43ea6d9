"""Display classes in scikit-learn's form: they store results and draw them."""

from .aligner_comparison_display import AlignerComparisonDisplay
from .alignment_regime_display import AlignmentRegimeDisplay
from .alignment_test_display import AlignmentTestDisplay
from .canonical_correlation_display import CanonicalCorrelationDisplay
from .component_summary_display import ComponentSummaryDisplay
from .correlation_circle_display import CorrelationCircleDisplay
from .cross_validation_display import CrossValidationDisplay
from .drift_display import DriftDisplay
from .few_shot_display import FewShotDisplay
from .hit_rate_display import HitRateDisplay
from .hubness_display import HubnessDisplay
from .modality_gap_display import ModalityGapDisplay
from .pair_check_display import PairCheckDisplay
from .precision_recall_display import PrecisionRecallDisplay
from .rank_histogram_display import RankHistogramDisplay
from .risk_coverage_display import RiskCoverageDisplay
from .set_size_display import SetSizeDisplay
from .shared_space_display import SharedSpaceDisplay
from .similarity_matrix_display import SimilarityMatrixDisplay
from .transfer_gain_display import TransferGainDisplay

__all__ = [
    "AlignerComparisonDisplay",
    "AlignmentRegimeDisplay",
    "AlignmentTestDisplay",
    "CanonicalCorrelationDisplay",
    "ComponentSummaryDisplay",
    "CorrelationCircleDisplay",
    "CrossValidationDisplay",
    "DriftDisplay",
    "FewShotDisplay",
    "HitRateDisplay",
    "HubnessDisplay",
    "ModalityGapDisplay",
    "PairCheckDisplay",
    "PrecisionRecallDisplay",
    "RankHistogramDisplay",
    "RiskCoverageDisplay",
    "SetSizeDisplay",
    "SharedSpaceDisplay",
    "SimilarityMatrixDisplay",
    "TransferGainDisplay",
]
