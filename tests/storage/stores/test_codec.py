"""How a record becomes bytes and comes back."""

from __future__ import annotations

from uuid import uuid4

import msgspec
import pytest

from storage.errors import StorageError
from storage.models.artifact import Artifact
from storage.models.artifacts import ARTIFACTS, ArtifactKind, Session
from storage.stores import decode, encode
from storage.stores.postgres import COLUMNS
from tests import factories

SESSION = ARTIFACTS[Session]
A = str(uuid4())


@pytest.mark.parametrize("record", ARTIFACTS)
def test_every_artifact_of_the_table_can_be_encoded(record: type[Artifact]) -> None:
    fields = msgspec.structs.fields(record)
    texts = {field.name: "x" for field in fields if field.type is str}
    numbers = {field.name: 1 for field in fields if field.type is int}
    link = {"connection_id": "x", "issuer": "x", "subject": "x"}
    others: dict[str, object] = {"audience": (), "parameters": {}, "link": link}
    needed = {field.name for field in fields if field.required}
    values = {k: v for k, v in {**others, **texts, **numbers}.items() if k in needed}
    artifact = msgspec.convert(
        {**values, "id": factories.new_artifact_id(), "organization_id": A}, record
    )
    payload = encode(artifact)
    assert artifact.id.encode() not in payload
    assert decode(ARTIFACTS[record], artifact.id, payload) == artifact


@pytest.mark.parametrize("kind", ARTIFACTS.values(), ids=lambda kind: kind.record.__name__)
def test_every_index_of_the_table_has_its_column(kind: ArtifactKind) -> None:
    assert set(kind.found_by) <= set(COLUMNS) & set(kind.record.__struct_fields__)


def test_an_id_that_is_no_digest_is_refused() -> None:
    with pytest.raises(ValueError, match="artifact_id"):
        encode(factories.replay_mark(A, id='x","organization_id":"y'))


def test_a_payload_of_a_newer_version_is_read_without_what_is_unknown() -> None:
    session = factories.session(A)
    newer = encode(session)[:-1] + b',"invented_later":[1]}'
    assert decode(SESSION, session.id, newer) == session


def test_an_unreadable_payload_is_an_error_of_storage() -> None:
    for payload in (b"{}", b"", b"nonsense", b'{"organization_id":1}'):
        with pytest.raises(StorageError, match="unreadable Session"):
            decode(SESSION, factories.new_artifact_id(), payload)
