"""Mails of a client's sign-in, as people would get them."""

from __future__ import annotations

from pydantic import Field

from handlers.admin_api.route import Route
from porta.administration.call import Answer, Call, Data, Shown
from porta.services import mail_previews
from porta.services.commands import Command
from porta.services.mail_previews import Mail
from porta.services.permissions import needed_by


class MailPreviewQuery(Command):
    """Which mail."""

    mail: Mail
    locale: str | None = Field(None, max_length=35, description="A language, as `pt-BR`")


class MailPreview(Shown):
    """A mail in the look of a client; its link leads nowhere."""

    subject: str
    sender_name: str
    html: str
    text: str


async def _preview(call: Call) -> Answer:
    query = call.query_as(MailPreviewQuery)
    letter = await mail_previews.preview(
        call.storage, call.actor, call.path["clientId"], query.mail, query.locale,
        post=call.runtime.post,
    )  # fmt: skip
    told = MailPreview(
        subject=letter.subject, sender_name=letter.sender_name, html=letter.html, text=letter.text
    )
    return Answer(Data(data=told))


ROUTES = (
    Route(
        "GET",
        "/clients/{clientId}/mail-preview",
        "Show a mail of a sign-in in the look of its client",
        _preview,
        permissions=needed_by(mail_previews.preview),
        query=MailPreviewQuery,
        response=Data[MailPreview],
        errors=(400,),
        delegable=True,
    ),
)
