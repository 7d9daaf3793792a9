"""The experiment runner: the only place that knows hydra, pydantic, pandas and matplotlib, and no experiment by name."""
