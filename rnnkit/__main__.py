"""`python -m rnnkit`: the command `rnnkit`."""

from rnnkit.command.main import main

if __name__ == "__main__":
    main()
