"""Every resource of the Admin API, by name.

Made by `make client` from the OpenAPI document of the Admin API: not to be edited.
"""

from __future__ import annotations

from porta.admin_client.resources.administrators import AdministratorsResource
from porta.admin_client.resources.api_resources import ApiResourcesResource
from porta.admin_client.resources.applications import ApplicationsResource
from porta.admin_client.resources.audit import AuditResource
from porta.admin_client.resources.bulk import BulkResource
from porta.admin_client.resources.claims import ClaimsResource
from porta.admin_client.resources.client_secrets import ClientSecretsResource
from porta.admin_client.resources.clients import ClientsResource
from porta.admin_client.resources.config import ConfigResource
from porta.admin_client.resources.connections import ConnectionsResource
from porta.admin_client.resources.domains import DomainsResource
from porta.admin_client.resources.export import ExportResource
from porta.admin_client.resources.import_ import ImportResource
from porta.admin_client.resources.jobs import JobsResource
from porta.admin_client.resources.keys import KeysResource
from porta.admin_client.resources.me import MeResource
from porta.admin_client.resources.metadata import MetadataResource
from porta.admin_client.resources.modules import ModulesResource
from porta.admin_client.resources.organizations import OrganizationsResource
from porta.admin_client.resources.permissions import PermissionsResource
from porta.admin_client.resources.refresh_families import RefreshFamiliesResource
from porta.admin_client.resources.roles import RolesResource
from porta.admin_client.resources.sessions import SessionsResource
from porta.admin_client.resources.setup_links import SetupLinksResource
from porta.admin_client.resources.stats import StatsResource
from porta.admin_client.resources.traces import TracesResource
from porta.admin_client.resources.user_claims import UserClaimsResource
from porta.admin_client.resources.user_roles import UserRolesResource
from porta.admin_client.resources.users import UsersResource
from porta.admin_client.resources.users_by_id import UsersByIdResource
from porta.admin_client.transport import Transport


class Resources:
    """What can be administered."""

    def __init__(self, transport: Transport) -> None:
        self.metadata = MetadataResource(transport)
        self.me = MeResource(transport)
        self.organizations = OrganizationsResource(transport)
        self.connections = ConnectionsResource(transport)
        self.domains = DomainsResource(transport)
        self.setup_links = SetupLinksResource(transport)
        self.applications = ApplicationsResource(transport)
        self.modules = ModulesResource(transport)
        self.roles = RolesResource(transport)
        self.permissions = PermissionsResource(transport)
        self.claims = ClaimsResource(transport)
        self.user_claims = UserClaimsResource(transport)
        self.users = UsersResource(transport)
        self.users_by_id = UsersByIdResource(transport)
        self.user_roles = UserRolesResource(transport)
        self.clients = ClientsResource(transport)
        self.client_secrets = ClientSecretsResource(transport)
        self.administrators = AdministratorsResource(transport)
        self.api_resources = ApiResourcesResource(transport)
        self.bulk = BulkResource(transport)
        self.export = ExportResource(transport)
        self.import_ = ImportResource(transport)
        self.stats = StatsResource(transport)
        self.sessions = SessionsResource(transport)
        self.refresh_families = RefreshFamiliesResource(transport)
        self.audit = AuditResource(transport)
        self.traces = TracesResource(transport)
        self.config = ConfigResource(transport)
        self.keys = KeysResource(transport)
        self.jobs = JobsResource(transport)
