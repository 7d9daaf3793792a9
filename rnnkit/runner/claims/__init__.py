"""Claims judged on tables, reports of them, and new tables held against committed ones."""

from rnnkit.runner.claims.claim import Claim, Judgement

__all__ = ["Claim", "Judgement"]
