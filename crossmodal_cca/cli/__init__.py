"""The command line: ``crossmodal-cca COMMAND``, or ``python -m crossmodal_cca COMMAND``."""

from ._main import main

__all__ = ["main"]
