"""Linear algebra of the models: from covariances or rows to solutions, with numpy and scipy alone."""
