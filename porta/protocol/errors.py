"""OAuth and OpenID Connect errors, one class a registered code."""

from __future__ import annotations

from porta.errors import PortaError


class OAuthError(PortaError):
    """An error with a registered code; `message` becomes `error_description`."""

    status = 400
    code = "invalid_request"


class InvalidRequest(OAuthError):
    code = "invalid_request"


class InvalidClient(OAuthError):
    """RFC 6749 §5.2: who calls is unknown, or did not prove it."""

    status = 401
    code = "invalid_client"


class InvalidGrant(OAuthError):
    code = "invalid_grant"


class InvalidScope(OAuthError):
    code = "invalid_scope"


class UnauthorizedClient(OAuthError):
    code = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    code = "unsupported_response_type"


class AccessDenied(OAuthError):
    code = "access_denied"


class LoginRequired(OAuthError):
    code = "login_required"


class ConsentRequired(OAuthError):
    code = "consent_required"


class InteractionRequired(OAuthError):
    code = "interaction_required"


class UnmetAuthenticationRequirements(OAuthError):
    """OpenID Connect Core error code unmet_authentication_requirements."""

    code = "unmet_authentication_requirements"


class RequestNotSupported(OAuthError):
    code = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    code = "request_uri_not_supported"


class InvalidRequestUri(OAuthError):
    """Core §3.1.2.6: what a `request_uri` led to cannot be answered any more."""

    code = "invalid_request_uri"


class RegistrationNotSupported(OAuthError):
    code = "registration_not_supported"


class InvalidTarget(OAuthError):
    """RFC 8707 §2."""

    code = "invalid_target"


class InvalidToken(OAuthError):
    """RFC 6750 §3.1: a protected resource refuses the token."""

    status = 401
    code = "invalid_token"


class InsufficientScope(OAuthError):
    """RFC 6750 §3.1."""

    status = 403
    code = "insufficient_scope"


class UntrustedRequest(OAuthError):
    """An authorization request whose client or redirect URI is not trusted: a page, no redirect.

    `received` and `registered` are for whoever develops the client, and for nobody in production.
    """

    received: str | None = None
    registered: tuple[str, ...] = ()

    def with_values(self, received: str, registered: tuple[str, ...] = ()) -> UntrustedRequest:
        """Return the error with what came, and what would have been right."""
        self.received, self.registered = received, registered
        return self


class DeadRequestUri(UntrustedRequest):
    """A `request_uri` that leads to no request, and so to no redirect URI (RFC 9101 §7)."""

    code = "invalid_request_uri"


class InvalidClientMetadata(OAuthError):
    """RFC 7591 §3.2.2: client metadata that contradicts itself or the rules."""

    code = "invalid_client_metadata"
