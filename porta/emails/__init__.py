"""E-mails: rendered, queued with what made them necessary, built and sent."""
