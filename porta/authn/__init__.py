"""Authenticators: the ways a person can prove who they are."""

from __future__ import annotations
