"""``python -m l2logger``: the command line."""

from l2logger.cli import main

if __name__ == "__main__":
    main()
