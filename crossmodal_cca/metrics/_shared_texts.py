"""Texts that the docstrings of several functions share."""

from .._docstrings import entries

# Descriptions of parameters by name that functions of one direction share.
OF_SEARCH = entries("""
queries, gallery : array-like of shape (n_queries, n_features) and (n_gallery, n_features)
    Scores of the two modalities in the shared space.
k : int >= 1 or None, default="default"
    For measures that take it; ``"default"`` is the measure's own default.
query_ids, gallery_ids : array-like of shape (n_queries,) and (n_gallery,), default=None
    Ids or class labels; an item is relevant if its own equals the query's. None for both: row ``i`` to
    row ``i``.
relevance : array-like or sparse matrix of shape (n_queries, n_gallery), default=None
    Instead of ids: grades >= 0, an item being relevant where they are positive.
similarity : <similarities>, default="cosine"
    Similarity that ranks the gallery.
exclude : "self", array-like or sparse matrix of bool of shape (n_queries, n_gallery), default=None
    Items left out of a query's list, as if the gallery did not hold them: where it is True; "self": item ``i`` for
    query ``i``.
confidence_level : float in (0, 1), default=0.95
    Confidence level of the intervals.
random_state : int, RandomState, Generator or None, default=None
    Seed of the resamples.
verbose : int >= 0, default=0
    Above 0, progress is printed.
""")
# The same of functions that search in both directions.
OF_BOTH_DIRECTIONS = OF_SEARCH | entries("""
x_ids, y_ids : array-like of shape (n_x,) and (n_y,), default=None
    Ids or class labels; items with equal ones are relevant to each other. None for both: row ``i`` to row
    ``i``.
relevance : array-like or sparse matrix of shape (n_x, n_y), default=None
    Instead of ids: items are relevant to each other where this is positive.
x_groups, y_groups : array-like of shape (n_x,) and (n_y,), default=None
    Which rows are not independent, such as the captions of one image: as queries they form a cluster.
    None: every row by itself.
ks : sequence of int >= 1, default=(1, 5, 10)
    Cut-offs of the hit rate; one larger than the gallery means all of it.
measures : sequence of str or None, default=None
    Measures by name; None for those of :func:`retrieval_report`.
exclude : "self", array-like or sparse matrix of bool of shape (n_x, n_y), default=None
    Items left out of each other's lists, as if the galleries did not hold them: where it is True; "self": row
    ``i`` of one side for row ``i`` of the other.
names : tuple of two str, default=("x", "y")
    Names of the modalities in the table.
""")
# Sections of a measure whose docstring has none of its own.
RETURNS = """
float
    Mean over the queries that have a relevant item, in [0, 1].
"""
# Errors of a measure, likewise.
RAISES = """
ValueError, TypeError
    As :func:`retrieval_ranks`; or if another parameter is not as described above.
"""
# Reference that all measures have.
TIES = """
McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently in the
presence of tied scores. ECIR.
"""
