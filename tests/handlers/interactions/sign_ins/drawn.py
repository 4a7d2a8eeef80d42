"""What chance draws for a walk: requests, organizations, tabs and people."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.handlers.interactions.sign_ins.people import FEDERATED, MFA, PASSWORD, Asked, Setting

TAB, WHO = st.sampled_from([0, 0, 1]), st.integers(0, 1)
REQUESTS = st.builds(
    Asked,
    first_party=st.booleans(),
    prompt=st.sampled_from([None, None, None, "login", "consent", "select_account", "none"]),
    max_age=st.sampled_from([None, None, None, 0, 5, 100]),
    acr=st.sampled_from([None, None, None, MFA, PASSWORD, FEDERATED]),
)
SETTINGS = st.builds(
    Setting,
    policy=st.sampled_from(["optional", "encouraged", "required_any"]),
    trusts_devices=st.booleans(),
    trusts_provider=st.booleans(),
    says_mfa=st.booleans(),
    factor=st.sampled_from(["app", "mail"]),
    passkey=st.booleans(),
)
