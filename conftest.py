"""Examples that need Dask are left out where it is not installed."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("dask") else ["crossmodal_cca/retrieval/shards.py", "docs/guide/scale.md"]
