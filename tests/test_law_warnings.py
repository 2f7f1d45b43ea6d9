"""Warnings point at the line of the caller. (What may lie between is the matter of `test_warnings.py`.)"""

import inspect
import linecache
import warnings

from everything import rows
from rows import Call


@rows("warned", lambda row: row.warned)
def test_a_warning_points_at_the_line_of_the_call(row):
    for call in row.warned:
        thing = row.bare()
        if row.warned_with:
            thing.set_params(**row.warned_with)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call.on(thing)
        assert caught, f"{call} deserves a warning"
        for warning in caught:
            assert warning.filename == inspect.getsourcefile(Call), f"{call}: {warning.message}"
            assert linecache.getline(warning.filename, warning.lineno).strip().startswith("return function(")
