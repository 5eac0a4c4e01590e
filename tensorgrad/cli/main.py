"""The entry point: from arguments to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from .._version import __version__
from ..errors import TensorgradError
from . import info, train
from .parser import Parser, UsageError

__all__ = ["main"]

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def build_parser() -> Parser:
    """The parser of all commands."""
    parser = Parser(
        prog="tensorgrad",
        description="Gradients for NumPy and CuPy: train a network, or see what this machine can do.",
    )
    parser.add_argument("--version", action="version", version=f"tensorgrad {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="command", required=True, parser_class=Parser)
    train.add(commands)
    info.add(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit code: 0, 2 for what the user can put right, 130 after Ctrl-C.

    >>> main(["info", "--no-such-option"])
    2
    """
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except (UsageError, TensorgradError) as error:
        return _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{error.strerror or error}")
    except KeyboardInterrupt:
        print("\ntensorgrad: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = build_parser().parse_args(argv)
        return int(arguments.run(arguments))
    except SystemExit as leave:  # --help, --version
        return leave.code if isinstance(leave.code, int) else 0


def _fail(message: str) -> int:
    print(f"tensorgrad: error: {' '.join(message.split())}", file=sys.stderr)
    return EXIT_USAGE
