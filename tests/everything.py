"""One table of everything public, and how laws are tested over it.

Every name in an ``__all__`` has a row, every public method a call: `test_everything.py` says which is missing. Rows are
in `aligner_rows.py`, `space_rows.py` and `function_rows.py`; what a row consists of, and the laws, in `rows.py`. A law
that does not apply to a row is listed there as exempt, one that is broken today as failing, each with its reason.
"""

from collections.abc import Callable
from typing import Any

import pytest
from aligner_rows import ALIGNERS
from function_rows import FUNCTIONS
from rows import LAWS, Call, Row
from space_rows import SPACES

TABLE: dict[str, Row] = ALIGNERS | SPACES | FUNCTIONS


def _marks(row: Row, law: str) -> list[Any]:
    assert law in LAWS
    return [pytest.mark.xfail(reason=row.fails[law], strict=True)] if law in row.fails else []


def rows(law: str, where: Callable[[Row], bool] = lambda row: True) -> Any:
    """Parametrise a test with the rows that a law applies to."""
    obeying = {name: row for name, row in TABLE.items() if law not in row.exempt and where(row)}
    parameters = [pytest.param(row, id=name, marks=_marks(row, law)) for name, row in obeying.items()]
    return pytest.mark.parametrize("row", parameters)


def estimators(law: str, where: Callable[[Row], bool] = lambda row: True) -> Any:
    """Parametrise a test with the rows of estimators that a law applies to."""
    return rows(law, lambda row: row.estimator is not None and where(row))


def exempt(law: str) -> Any:
    """Parametrise a test with the rows that a law does not apply to, to see that it does not."""
    parameters = [pytest.param(row, id=name) for name, row in TABLE.items() if law in row.exempt]
    return pytest.mark.parametrize("row", parameters)


def calls(law: str, where: Callable[[Call], bool] = lambda call: True) -> Any:
    """Parametrise a test with the rows and their calls that a law applies to."""
    parameters = [
        pytest.param(row, call, id=f"{name}-{call}", marks=_marks(row, law))
        for name, row in TABLE.items()
        if law not in row.exempt
        for call in row.all_calls
        if where(call)
    ]
    return pytest.mark.parametrize(("row", "call"), parameters)
