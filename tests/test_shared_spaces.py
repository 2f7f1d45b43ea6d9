"""Real features that share a space already, or get one by class posteriors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from real_data import load
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from crossmodal_cca import CCA
from crossmodal_cca.metrics import hit_rate_at_k, mean_average_precision
from crossmodal_cca.retrieval import CrossModalIndex
