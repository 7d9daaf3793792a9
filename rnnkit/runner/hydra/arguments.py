"""What a user types, before Hydra reads it: flags may stand anywhere among the keys."""

from typing import NoReturn

from hydra._internal.utils import get_args_parser


def flags_first(arguments: list[str]) -> list[str]:
    """Return the arguments with Hydra's flags before the keys; ValueError for a flag that Hydra does not know.

    Hydra itself wants all keys in one place, and answers `seq_len=5,20 -m out=DIR` with its usage text.
    """
    parser = get_args_parser()
    parser.error = _refuse
    keys = parser.parse_intermixed_args(arguments).overrides
    flags = list(arguments)
    for key in keys:
        flags.remove(key)
    return [*flags, *keys]


def _refuse(message: str) -> NoReturn:
    raise ValueError(f"{message}: see --hydra-help")
