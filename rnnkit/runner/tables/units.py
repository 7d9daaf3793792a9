"""Units of the columns that tables of rnnkit's experiments have, by name."""

import re

OF_SPREAD = re.compile(r"_(se|sd|low|high|theory|exact|start|end)$")  # in the unit of what they belong to
UNITS = {
    "nats per step": r"growth_rate.*|(.*_)?exponent|entropy_rate|largest_step|.*_minus_(growth|exponent|log_radius)",
    "nats": r"log_norm.*|largest_log_norm|log_bias|log_bound",
    "decades": r"log10_.*",
    "steps": r"seq_len|lags?|burn_in|truncat\w*|horizon|half_life.*|shortest|longest|max_length|first_nonfinite_step",
    "updates": r"updates?|updates_made|check_every|median_first|first|first_passed|cap",
    "share": r".*_(share|fraction)|share_.*|(.*_)?error|accuracy",
    "bits": r"bits|.*_bits|bits_per_character",
    "count": r"n|n_.*|nets|replicates|samples|sequences|batch_size|check_size",
    "units": r"hidden_size",
}


def unit_of(column: str) -> str:
    """Return the unit of a column; empty where it has none, or none that is known."""
    names = (column, OF_SPREAD.sub("", column))
    return next((unit for name in names for unit, pattern in UNITS.items() if re.fullmatch(pattern, name)), "")
