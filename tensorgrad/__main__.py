"""``python -m tensorgrad`` is the ``tensorgrad`` command."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
