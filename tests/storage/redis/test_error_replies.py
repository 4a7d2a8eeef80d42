"""Error replies of Redis, of many versions: an outage, a setting at fault, or a defect."""

from __future__ import annotations

import pytest

from storage.errors import Refused, StorageError, Unreachable
from storage.redis.connection import Refusal
from storage.redis.error_replies import code_of, failure_of, failure_of_greeting

OUTAGES = {
    "READONLY You can't write against a read only replica.": "READONLY",
    "MASTERDOWN Link with MASTER is down": "MASTERDOWN",
    "NOREPLICAS Not enough good replicas to write.": "NOREPLICAS",
    "MISCONF Redis is configured to save RDB snapshots, but it's unable to persist.": "MISCONF",
    "OOM command not allowed when used memory > 'maxmemory'. script: 1a2b, on @user_script:9.":
        "OOM",
    "LOADING Redis is loading the dataset in memory": "LOADING",
    "BUSY Redis is busy running a script.": "BUSY",
    "CLUSTERDOWN The cluster is down": "CLUSTERDOWN",
    "MOVED 866 10.0.0.7:6379": "MOVED",
    "NOAUTH Authentication required.": "NOAUTH",
    "NOPERM User default has no permissions to run the 'set' command": "NOPERM",
    "FAILOVER of a kind that is yet to be invented": "FAILOVER",
    # Redis 6
    "ERR Error running script (call to f_91b2): @user_script:8: @user_script: 8: -OOM command not"
    " allowed when used memory > 'maxmemory'.": "OOM",
    "ERR Error running script (call to f_91b2): @user_script:2: -READONLY You can't write against"
    " a read only replica.": "READONLY",
}  # fmt: skip
DEFECTS = {
    "ERR unknown command 'NONSENSE', with args beginning with: 's3cret'": "ERR",
    "ERR wrong number of arguments for 'get' command": "ERR",
    "ERR user_script:1: attempt to perform arithmetic on a nil value script: 1a2b": "ERR",
    "ERR Error running script (call to f_91b2): @user_script:1: user_script:1: attempt": "ERR",
    "ERR Error running script (call to f_1): @user_script:3: WRONGTYPE s3cret -x": "ERR",
    "WRONGTYPE Operation against a key holding the wrong kind of value": "WRONGTYPE",
    "CROSSSLOT Keys in request don't hash to the same slot": "CROSSSLOT",
}
SETTINGS = {
    "WRONGPASS invalid username-password pair or user is disabled.": "wrong user or password",
    "ERR invalid password": "wrong password",
    "NOAUTH Authentication required.": "asks for a password",
    "ERR AUTH <password> called without any password configured for the default user. Are you"
    " sure your configuration is correct?": "Take it out of the URL",
    "ERR Client sent AUTH, but no password is set": "Take it out of the URL",
    "ERR DB index is out of range": "no database of this number",
    "NOPERM User x has no permissions to run the 'select' command": "may not do",
}
PASSING = (
    "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down",
    "ERR max number of clients reached",
    "BUSY Redis is busy running a script.",
)


@pytest.mark.parametrize(("text", "code"), OUTAGES.items())
def test_a_state_of_the_server_is_an_outage(text: str, code: str) -> None:
    failure = failure_of(Refusal(text))
    assert isinstance(failure, Unreachable)
    assert str(failure) == f"Redis: {code}"


@pytest.mark.parametrize(("text", "code"), DEFECTS.items())
def test_what_we_should_not_have_asked_is_a_defect(text: str, code: str) -> None:
    failure = failure_of(Refusal(text))
    assert type(failure) is StorageError
    assert str(failure) == f"Redis refused a command: {code}"
    assert code_of(Refusal(text)) == code


@pytest.mark.parametrize(("text", "told"), SETTINGS.items())
def test_faults_F11_a_url_at_fault_is_told_with_its_remedy(text: str, told: str) -> None:
    failure = failure_of_greeting("Redis at cache:6379", Refusal(text))
    assert isinstance(failure, Refused)
    assert told in str(failure)
    assert str(failure).startswith("Redis at cache:6379 refuses the connection: ")


@pytest.mark.parametrize("text", PASSING)
def test_what_passes_is_no_fault_of_the_url(text: str) -> None:
    assert not isinstance(failure_of_greeting("Redis at cache:6379", Refusal(text)), Refused)
