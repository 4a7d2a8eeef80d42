"""Outbox: what is done behind an answer, stored with what made it necessary, or kept in memory."""
