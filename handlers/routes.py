"""Route table: every URL of the house; what is asked for most stands first."""

from __future__ import annotations

import re

from tornado.routing import URLSpec

from handlers import account
from handlers.admin_api import table
from handlers.interactions import (
    accounts,
    consent,
    federation,
    gesture,
    identify,
    linking,
    login,
    magic_link,
    passkey,
    two_factor,
)
from handlers.links import email_change, invitation, password_reset, self_registration, setup
from handlers.links import magic_link as links
from handlers.oidc import (
    authorization,
    discovery,
    end_session,
    global_revocation,
    introspection,
    jwks,
    pushed_authorization,
    revocation,
    token,
    userinfo,
)
from handlers.ops import health, root, static
from porta.protocol import endpoints

_SEGMENT = "[^/]+"
_PLACEHOLDER = re.compile(r"\\\{\w+\\\}")
"""A part of an endpoint that each request fills, once it is escaped."""


def _tenant(endpoint: str) -> str:
    """The pattern of an endpoint below any organization's path; the handler reads the slug."""
    return f"/{_SEGMENT}{_PLACEHOLDER.sub(_SEGMENT, re.escape(endpoint))}"


def _interaction(step: str = "") -> str:
    return f"/interaction/{_SEGMENT}{step}"


ROUTES = [
    URLSpec(pattern, handler)
    for pattern, handler in (
        (_tenant(endpoints.TOKEN), token.TokenHandler),
        (_tenant(endpoints.AUTHORIZATION), authorization.AuthorizationHandler),
        (_tenant(endpoints.USERINFO), userinfo.UserinfoHandler),
        (_tenant(endpoints.INTROSPECTION), introspection.IntrospectionHandler),
        # Before what resumes a request: an organization cannot be called "interaction".
        (_interaction(), login.InteractionStartHandler),
        (_interaction("/login"), login.LoginHandler),
        (_interaction("/identify"), identify.IdentifyHandler),
        (_interaction("/passkey"), passkey.PasskeyHandler),
        (_interaction("/passkey/created"), passkey.CreatedHandler),
        (_interaction("/magic-link"), magic_link.MagicLinkRequestHandler),
        (_interaction("/magic-link/code"), magic_link.MagicLinkCodeHandler),
        (_interaction("/two-factor"), two_factor.TwoFactorHandler),
        (_interaction("/two-factor/resend"), two_factor.ChooseHandler),
        (_interaction("/two-factor/later"), two_factor.PutOffHandler),
        # Before what resumes a request: the value of an interaction is longer.
        (_tenant(endpoints.MAGIC_LINK), links.MagicLinkHandler),
        (_tenant(endpoints.FORGOT_PASSWORD), password_reset.ForgotPasswordHandler),
        (_tenant(endpoints.RESET_PASSWORD), password_reset.ResetPasswordHandler),
        (_tenant(endpoints.REGISTRATION), self_registration.RegistrationHandler),
        (
            _tenant(endpoints.REGISTRATION_LINK),
            self_registration.CompleteRegistrationHandler,
        ),
        (_tenant(endpoints.ACCEPT_INVITATION), invitation.AcceptInvitationHandler),
        (_interaction("/federation"), federation.FederationHandler),
        (_interaction("/federation/link"), linking.IdentityLinkHandler),
        (_tenant(endpoints.FEDERATION_CALLBACK), federation.FederationCallbackHandler),
        (_tenant(endpoints.AUTHORIZATION_RESUME), authorization.AuthorizationResumeHandler),
        (_tenant(endpoints.JWKS), jwks.JwksHandler),
        (_tenant(endpoints.OPENID_CONFIGURATION), discovery.DiscoveryHandler),
        (_tenant(endpoints.OAUTH_METADATA), discovery.DiscoveryHandler),
        (
            f"{re.escape(endpoints.WELL_KNOWN_PREFIX)}(?:/{_SEGMENT})+",
            discovery.DiscoveryHandler,
        ),
        (_tenant(endpoints.PUSHED_AUTHORIZATION), pushed_authorization.PushedAuthorizationHandler),
        (_tenant(endpoints.REVOCATION), revocation.RevocationHandler),
        (_tenant(endpoints.GLOBAL_REVOCATION), global_revocation.GlobalRevocationHandler),
        (_tenant(endpoints.END_SESSION), end_session.EndSessionHandler),
        (_tenant(endpoints.END_SESSION_CONFIRM), end_session.EndSessionConfirmHandler),
        (_tenant(endpoints.END_SESSION_SUCCESS), end_session.EndSessionSuccessHandler),
        (_interaction("/consent"), consent.ConsentHandler),
        (_interaction("/confirm"), consent.ConfirmHandler),
        (_interaction("/continue"), gesture.ContinueHandler),
        (_interaction("/switch"), login.SwitchHandler),
        (_interaction("/account"), accounts.SelectHandler),
        (_interaction("/forget"), accounts.ForgetHandler),
        (_interaction("/abort"), login.AbortHandler),
        (_tenant(r"/branding.css"), static.BrandingHandler),
        (f"/{_SEGMENT}/branding/{_SEGMENT}", static.ImageHandler),
        (f"/static/{_SEGMENT}", static.StaticHandler),
        ("/live", health.LiveHandler),
        ("/ready", health.ReadyHandler),
        ("/health", health.HealthHandler),
        ("/", root.RootHandler),
        (r"/robots\.txt", root.RobotsHandler),
        (r"/favicon\.ico", root.FaviconHandler),
        (f"/{_SEGMENT}/?", root.OrganizationHandler),
    )
]
ROUTES += [
    URLSpec(_tenant(endpoint), email_change.EmailChangeHandler, {"refuses": refuses})
    for endpoint, refuses in (
        (endpoints.EMAIL_CHANGE, False),
        (endpoints.EMAIL_CHANGE_REFUSAL, True),
    )
]
ROUTES += [
    URLSpec(_tenant(endpoint), setup.SetupHandler, {"comes_back": comes_back})
    for endpoint, comes_back in ((endpoints.SETUP, False), (endpoints.SETUP_CALLBACK, True))
]
ROUTES += account.specs()
ROUTES += table.specs(table.ROUTES)
