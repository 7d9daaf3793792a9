"""The experiment runner: the only place that knows hydra and pandas, and no experiment by name."""
