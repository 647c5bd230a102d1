"""Makes ``python -m siegel`` the command ``siegel``."""

import sys

from siegel.cli import main

if __name__ == "__main__":  # the worker processes of seal import this module again
    sys.exit(main())
