"""The bare write path: what a submission costs where nothing but the path is there.

No idempotency, no fencing, no history beyond the sessions, no repair, no limits, no timeouts: a floor to measure
against, not a model. It uses the servers of the system that is measured, under a prefix of its own.
"""
