"""`python -m calve`: the same as `calve`."""

from calve.cli import main

if __name__ == "__main__":
    main()
