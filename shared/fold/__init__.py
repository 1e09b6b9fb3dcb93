"""The pure fold of the log: deterministic, total, per player. No I/O, no clock, no chance."""
