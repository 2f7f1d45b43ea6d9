"""Rows of the two modalities: storage, checks and passes, in memory, sparse, in a mapped file or as Dask chunks."""
