"""Warnings that point to the user's line, from any depth below it."""

from __future__ import annotations

import os
import sys
import warnings

import joblib
import sklearn


def _folder(file: str) -> str:
    return os.path.join(os.path.dirname(file), "")


# Folder of Python's standard library.
_STANDARD_LIBRARY = _folder(os.__file__)
# Folders of code that is not the user's: a call may pass through a Pipeline, a search or a pool of threads.
_MACHINERY = (_folder(__file__), _folder(sklearn.__file__), _folder(joblib.__file__), "<frozen ")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the innermost line outside this package, scikit-learn, joblib and the standard library.

    Without such a line, as in a thread or on the command line, the warning points to the line that called this.
    """
    # Python 3.12's skip_file_prefixes would also skip packages installed below the standard library's folder.
    frame, level = sys._getframe(1), 2
    while _is_machinery(frame.f_code.co_filename):
        if frame.f_back is None:
            level = 2
            break
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_machinery(filename: str) -> bool:
    own = filename.startswith(_STANDARD_LIBRARY) and "-packages" not in filename.removeprefix(_STANDARD_LIBRARY)
    return own or filename.startswith(_MACHINERY)
