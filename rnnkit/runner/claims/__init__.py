"""Claims judged on tables, reports of them, and new tables held against committed ones."""

from rnnkit.runner.claims.claim import Claim

__all__ = ["Claim"]
