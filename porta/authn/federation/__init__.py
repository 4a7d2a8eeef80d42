"""Sign-in with others: the relying party's side of OpenID Connect and OAuth 2.0."""
