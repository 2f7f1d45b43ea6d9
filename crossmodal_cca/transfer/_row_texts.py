"""Texts that the docstrings of heads and of their transformers share."""

from .._docstrings import entries

# Descriptions of parameters by name where rows are classified.
CLASSIFIED = entries("""
X : array-like of shape (n_rows, n_features)
    Rows to classify.
""")
# The same where rows are compared with others.
COMPARED = entries("""
X : array-like of shape (n_rows, n_features)
    Rows, in a space where their cosine means something.
y : array-like of shape (n_rows,)
    Their classes.
""")
# Section of methods that take new rows.
BAD_ROWS = {"Raises": "ValueError\n    If the rows are of another width than expected, or not finite."}
# Section of the methods `fit`.
FITTED = {"Returns": "self : object\n    The fitted estimator."}
