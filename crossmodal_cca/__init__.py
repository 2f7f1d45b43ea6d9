"""Two modalities, one shared space: CCA, PLS, cross-modal retrieval and prediction for scikit-learn users."""
