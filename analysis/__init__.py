"""What analysts do with the log: see docs/analysts.md."""
