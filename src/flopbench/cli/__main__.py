"""Run the command line as ``python -m flopbench.cli``."""

from flopbench.cli import main

if __name__ == "__main__":
    main()
