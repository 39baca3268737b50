"""`python -m planner`: the console script, where it is not on PATH."""

from planner.cli.start import script

if __name__ == "__main__":
    script()
