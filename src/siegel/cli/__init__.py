"""The command ``siegel``: prints, exits, opens files. Nobody imports this room but the program itself."""

from siegel.cli.program import main

__all__ = ["main"]
