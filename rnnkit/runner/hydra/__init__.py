"""The command line: what Hydra composes, the grid of a sweep, and one message for all that is wrong."""
