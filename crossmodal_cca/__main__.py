"""`python -m crossmodal_cca`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
