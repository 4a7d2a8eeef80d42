"""Repositories: the table of all of them, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from storage.postgres.statement import Executor
from storage.repositories.administrators import Administrators
from storage.repositories.api_resources import ApiResources
from storage.repositories.applications import Applications
from storage.repositories.audit import Audit
from storage.repositories.audit_chain import AuditChain
from storage.repositories.auth_tokens import AuthTokens
from storage.repositories.claims import Claims
from storage.repositories.client_secrets import ClientSecrets
from storage.repositories.clients import Clients
from storage.repositories.connections import Connections
from storage.repositories.consents import Consents
from storage.repositories.delegations import Delegations
from storage.repositories.domains import Domains
from storage.repositories.expired import Expired
from storage.repositories.explanations import Explanations
from storage.repositories.former_assets import FormerAssets
from storage.repositories.idempotent_answers import IdempotentAnswers
from storage.repositories.identities import Identities
from storage.repositories.invitations import Invitations
from storage.repositories.job_results import JobResults
from storage.repositories.jobs import Jobs
from storage.repositories.legacy_tokens import LegacyTokens
from storage.repositories.login_attempts import LoginAttempts
from storage.repositories.organizations import Organizations
from storage.repositories.passkeys import Passkeys
from storage.repositories.personal_data import PersonalData
from storage.repositories.pushed_requests import PushedRequests
from storage.repositories.refresh_families import RefreshFamilies
from storage.repositories.roles import Roles
from storage.repositories.second_factors import SecondFactorsOfPeople
from storage.repositories.session_lists import SessionLists
from storage.repositories.sessions import Sessions
from storage.repositories.setup_links import SetupLinks
from storage.repositories.signing_keys import SigningKeys
from storage.repositories.statistics import Statistics
from storage.repositories.system_config import SystemConfig
from storage.repositories.tokens import Tokens
from storage.repositories.totp_secrets import TotpSecrets
from storage.repositories.trial import Trial
from storage.repositories.trusted_devices import TrustedDevices
from storage.repositories.user_passwords import UserPasswords
from storage.repositories.user_roles import UserRoles
from storage.repositories.users import Users

R = TypeVar("R")


class _OnFirstUse(Generic[R]):
    """A repository that is made once it is needed: a transaction needs two or three of them, and
    making all took longer than to begin and commit it.
    """

    def __init__(self, make: Callable[[Executor], R]) -> None:
        self._make = make

    def __set_name__(self, owner: type[Repositories], name: str) -> None:
        self._name = name

    def __get__(self, carrier: Repositories, owner: type[Repositories]) -> R:
        # What stands in the instance is found before this from now on.
        made = carrier.__dict__[self._name] = self._make(carrier._executor)
        return made


class Repositories:
    """What is remembered in PostgreSQL, one repository a family, all upon one executor."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    organizations = _OnFirstUse(Organizations)
    former_assets = _OnFirstUse(FormerAssets)
    applications = _OnFirstUse(Applications)
    clients = _OnFirstUse(Clients)
    client_secrets = _OnFirstUse(ClientSecrets)
    api_resources = _OnFirstUse(ApiResources)
    connections = _OnFirstUse(Connections)
    domains = _OnFirstUse(Domains)
    identities = _OnFirstUse(Identities)
    setup_links = _OnFirstUse(SetupLinks)
    users = _OnFirstUse(Users)
    user_passwords = _OnFirstUse(UserPasswords)
    login_attempts = _OnFirstUse(LoginAttempts)
    second_factors = _OnFirstUse(SecondFactorsOfPeople)
    passkeys = _OnFirstUse(Passkeys)
    trusted_devices = _OnFirstUse(TrustedDevices)
    totp_secrets = _OnFirstUse(TotpSecrets)
    roles = _OnFirstUse(Roles)
    user_roles = _OnFirstUse(UserRoles)
    claims = _OnFirstUse(Claims)
    administrators = _OnFirstUse(Administrators)
    delegations = _OnFirstUse(Delegations)
    idempotent_answers = _OnFirstUse(IdempotentAnswers)
    signing_keys = _OnFirstUse(SigningKeys)
    system_config = _OnFirstUse(SystemConfig)
    statistics = _OnFirstUse(Statistics)
    audit = _OnFirstUse(Audit)
    audit_chain = _OnFirstUse(AuditChain)
    tokens = _OnFirstUse(Tokens)
    consents = _OnFirstUse(Consents)
    legacy_tokens = _OnFirstUse(LegacyTokens)
    sessions = _OnFirstUse(Sessions)
    session_lists = _OnFirstUse(SessionLists)
    refresh_families = _OnFirstUse(RefreshFamilies)
    personal_data = _OnFirstUse(PersonalData)
    pushed_requests = _OnFirstUse(PushedRequests)
    expired = _OnFirstUse(Expired)
    jobs = _OnFirstUse(Jobs)
    job_results = _OnFirstUse(JobResults)
    explanations = _OnFirstUse(Explanations)
    auth_tokens = _OnFirstUse(AuthTokens)
    invitations = _OnFirstUse(Invitations)
    trial = _OnFirstUse(Trial)
