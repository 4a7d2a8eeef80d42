"""porta sessions: who is signed in, and signing them out, over the Admin API."""

from __future__ import annotations

from porta.cli.nouns import Action, noun

sessions = noun(
    "sessions",
    "Show who is signed in, and sign people out.",
    ("id", "userId", "ipAddress", "lastActivityAt", "expiresAt"),
    Action("list", "sessions.list"),
    Action("show", "sessions.get"),
    Action(
        "revoke",
        "sessions.delete",
        asks="End the session {session_id}, with what was issued in it?",
        done="It has ended.",
    ),
    Action(
        "revoke-user",
        "users_by_id.delete_sessions",
        asks="End every session of {user_id}, with what was issued in them?",
    ),
)
