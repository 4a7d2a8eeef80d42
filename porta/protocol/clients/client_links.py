"""Client links: where a person who is stranded finds the application again."""

from __future__ import annotations

from storage.models.clients import Client, web_origin


def find_home(client: Client, redirect_uri: str | None = None) -> str | None:
    """Return the client's own page: its registered `client_uri`, or the origin it is answered at.

    `redirect_uri` is that of the request, and counts when it is registered. None where there is
    no page: a native client's addresses are no place to go to. Nothing unregistered is returned.
    """
    home = client.metadata.get("client_uri")
    if isinstance(home, str) and home.startswith(("https://", "http://")):
        return home
    if client.application_type == "native":
        return None
    registered = client.redirect_uris
    first = (redirect_uri,) if redirect_uri in registered and redirect_uri else ()
    origins = (web_origin(uri) for uri in (*first, *registered))
    return next((f"{origin}/" for origin in origins if origin), None)
