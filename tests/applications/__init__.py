"""Finished applications, installed as their users do, that sign a person in and out at Porta."""
