"""Transactional outbox: what is to be done later, stored with what made it necessary."""
