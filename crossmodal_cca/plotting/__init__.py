"""Display classes in scikit-learn's form: they hold data and draw it, and compute nothing."""

from .hit_rate import HitRateDisplay
from .shared_space import SharedSpaceDisplay

__all__ = ["HitRateDisplay", "SharedSpaceDisplay"]
