"""An artifact is given once, however many processes ask for it at the same moment."""

from __future__ import annotations

from uuid import uuid4

import pytest

from storage.errors import AlreadyConsumed
from storage.models.artifacts import ARTIFACTS, AuthorizationCode
from tests import factories
from tests.storage.beside import answers_of_two
from tests.world import stores

CODE = ARTIFACTS[AuthorizationCode]
A = str(uuid4())


@pytest.mark.parametrize("name", stores.SHARED)
async def test_of_50_parallel_callers_in_two_processes_one_is_given_the_code(
    name: str, database_url: str, redis_url: str
) -> None:
    code = factories.code(A)
    async with stores.open_store(name, database_url, redis_url) as store:
        await store.save(CODE, code, 60)
        told = f"{database_url}\n{redis_url}\n"
        answers = await answers_of_two(
            "tests.storage.consume_in_parallel", name, code.id, A, told=told
        )
        results = [answer.split() for answer in answers]
        assert sum(int(given) for given, _ in results) == 1
        assert sum(int(used) for _, used in results) == 49
        with pytest.raises(AlreadyConsumed):
            await store.consume(CODE, code.id, A)
