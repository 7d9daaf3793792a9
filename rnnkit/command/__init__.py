"""The command `rnnkit`: a file for each of its words, loaded when that word is given.

The first line of a file's docstring is what `rnnkit --help` says of it; `run(arguments)` does it, and returns an exit
code or ends the process.
"""
