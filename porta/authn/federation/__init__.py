"""Federated sign-in: the relying party's side of OpenID Connect and OAuth 2.0."""
