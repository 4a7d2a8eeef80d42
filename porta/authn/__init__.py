"""The table AUTHENTICATORS: every way a person can prove who they are."""

from __future__ import annotations
