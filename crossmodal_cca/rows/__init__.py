"""How rows are stored, checked and walked: in memory, sparse, in a mapped file, or in the chunks of Dask."""
