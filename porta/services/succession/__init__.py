"""Succession of Porta 1.x: what differs for a database and its environment, with the remedy."""
