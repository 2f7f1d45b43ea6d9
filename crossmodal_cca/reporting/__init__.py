"""Pages about one pair of tables: which method, how good it is, and whether it helps; :func:`crossmodal_cca.report`."""
