"""`leaderboard bench`: load on the whole system, each figure with its floor from the same run."""
