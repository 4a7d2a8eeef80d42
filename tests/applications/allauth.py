"""A Django site with django-allauth, as its documentation of the OpenID Connect provider says."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.applications.application import (
    EMAIL,
    Application,
    Command,
    Place,
    Registration,
    at_logout,
    at_porta,
)

URL = "http://localhost:8001"
_SITE = """
import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import include, path

settings.configure(
    DEBUG=True, SECRET_KEY="not a secret", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost"],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}}}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes",
        "django.contrib.sessions", "django.contrib.messages", "allauth", "allauth.account",
        "allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "allauth.account.middleware.AccountMiddleware"],
    AUTHENTICATION_BACKENDS=["allauth.account.auth_backends.AuthenticationBackend"],
    TEMPLATES=[{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {{"context_processors": ["django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth"]}}}}],
    LOGIN_REDIRECT_URL="/", DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
    ACCOUNT_LOGOUT_REDIRECT_URL={issuer!r} + "/session/end?client_id=" + {client_id!r}
        + "&post_logout_redirect_uri=http://localhost:8001/",
    SOCIALACCOUNT_PROVIDERS={{"openid_connect": {{"APPS": [{{
        "provider_id": "porta", "name": "Porta", "client_id": {client_id!r},
        "secret": {client_secret!r}, "settings": {{"server_url": {issuer!r}}}}}]}}}},
)
django.setup()


def home(request):
    user = request.user
    return HttpResponse(f"Hello {{user.email}}" if user.is_authenticated else "Hello nobody")


urlpatterns = [path("", home), path("accounts/", include("allauth.urls"))]
if __name__ == "__main__":
    execute_from_command_line(["site.py", "migrate", "--verbosity=0"])
    execute_from_command_line(["site.py", "runserver", "--noreload", "8001"])
"""


def _configure(place: Place, client: Registration) -> Command:
    site = _SITE.format(
        issuer=client.issuer, client_id=client.client_id, client_secret=client.client_secret
    )
    return Command([place.program("python"), str(place.write("shop.py", site))])


def _sign_in(page: Page) -> None:
    page.goto(f"{URL}/accounts/oidc/porta/login/")
    page.click("button[type=submit]")
    at_porta(page)
    page.wait_for_url(f"{URL}/")
    page.get_by_text(f"Hello {EMAIL}").wait_for()


def _sign_out(page: Page) -> None:
    page.goto(f"{URL}/accounts/logout/")
    page.click("button[type=submit]")
    at_logout(page)
    page.wait_for_url(f"{URL}/")
    page.get_by_text("Hello nobody").wait_for()


APPLICATION = Application(
    "django-allauth",
    "django",
    URL,
    ["django-allauth[socialaccount]==65.*"],
    _configure,
    _sign_in,
    _sign_out,
)
