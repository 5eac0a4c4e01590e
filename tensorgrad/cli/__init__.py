"""The command line: ``tensorgrad train`` and ``tensorgrad info``.

Each command is a module here with ``add(subparsers)``, which describes its options, and ``run(arguments)``, which
returns the exit code. Whatever is wrong with what the user asked for is one line on stderr and exit code 2.
"""

from .main import main

__all__ = ["main"]
