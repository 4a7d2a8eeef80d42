"""porta stats: what there is, counted, over the Admin API."""

from __future__ import annotations

from porta.cli.nouns import Action, noun

stats = noun(
    "stats",
    "Count what there is, and who signed in.",
    (),
    Action("show", "stats.overview"),
    Action("organization", "stats.of_organization"),
)
