"""What is demanded of a person who signs in, and what comes next: as a table."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_sign_in

from porta.protocol.requests.sign_in import (
    Ask,
    Done,
    Enrol,
    Required,
    at_trusted_device,
    next_step,
    required,
    trusted_days,
)
from storage.models.sign_ins import Proof, SecondFactors, SignIn
from tests import factories

PASSWORD = ("password",)
POLICIES = ("optional", "encouraged", "required_email", "required_totp", "required_any")
"""Those under which whoever has a second factor is asked for it, and for nothing more."""


def _sign_in(*methods: str) -> SignIn:
    proofs = (Proof(method=each, kind="knowledge", amr=(), at=1) for each in methods)
    return SignIn(account_id="someone", proofs=tuple(proofs))


@pytest.mark.parametrize("policy", POLICIES)
def test_nobody_knows_yet_who_it_is(policy: str) -> None:
    organization = factories.organization(two_factor_policy=policy)
    demanded = required(organization, ("password", "magic_link"))
    assert demanded == Required(("password", "magic_link"))
    assert next_step(SignIn(), demanded) == Ask(("password", "magic_link"))


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        (SecondFactors(method="totp", has_totp=True), ("totp",)),
        (SecondFactors(method="totp", has_totp=True, recovery_codes=3), ("totp", "recovery_code")),
        # An app that was never confirmed shows nothing: what stands in for it is all there is.
        (SecondFactors(method="totp", recovery_codes=3), ("recovery_code",)),
        (SecondFactors(method="totp"), ("nothing_left",)),
        (SecondFactors(method="passkey", recovery_codes=1), ("recovery_code",)),
        (SecondFactors(method="email", recovery_codes=1), ("email_otp", "recovery_code")),
        (SecondFactors(), ("nothing_left",)),
        (None, ("nothing_left",)),
    ],
)
@pytest.mark.parametrize("policy", POLICIES)
def test_whoever_has_a_second_factor_is_asked_for_it(
    policy: str, factors: SecondFactors | None, expected: tuple[str, ...]
) -> None:
    """Whatever the policy says, and however little is left of it: never for nothing."""
    organization = factories.organization(two_factor_policy=policy)
    person = factories.user(two_factor_enabled=True)
    demanded = required(organization, PASSWORD, person, factors)
    assert (demanded.second, demanded.enrol) == (expected, ())


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("optional", Done()),
        ("required_email", Enrol(("email_otp",))),
        ("required_totp", Enrol(("totp",))),
        ("required_passkey", Enrol(("passkey",))),
        ("required_any", Enrol(("totp", "email_otp", "passkey"))),
        ("encouraged", Enrol(("totp", "email_otp", "passkey"), optional=True)),
    ],
)
def test_where_one_is_demanded_it_is_enrolled(policy: str, expected: object) -> None:
    organization = factories.organization(two_factor_policy=policy)
    demanded = required(organization, PASSWORD, factories.user())
    assert next_step(_sign_in("password"), demanded) == expected


def test_what_is_encouraged_is_offered_until_it_is_put_off_or_there() -> None:
    organization = factories.organization(two_factor_policy="encouraged")
    offered = Enrol(("totp", "email_otp", "passkey"), optional=True)

    def step(sign_in: SignIn, held: SecondFactors, **person: bool) -> object:
        demanded = required(organization, PASSWORD, factories.user(**person), held)
        return next_step(sign_in, demanded)

    password = _sign_in("password")
    assert step(password, SecondFactors(put_off=True)) == Done()
    # It was offered at this very interaction: put off elsewhere, it is still to be answered here.
    here = replace_sign_in(password, offered=True)
    assert step(here, SecondFactors(put_off=True)) == offered
    assert step(here, SecondFactors(passkeys=1)) == Done()
    assert step(_sign_in("password", "totp"), SecondFactors()) == Done()
    app = SecondFactors(method="totp", has_totp=True)
    assert step(here, app, two_factor_enabled=True) == Ask(("totp",), second=True)
    assert step(SignIn(offered=True), SecondFactors()) == Ask(PASSWORD)


def test_no_order_and_no_repetition_leads_past_a_factor() -> None:
    """G.1: only a first one that is asked for, and a second one, are enough."""
    methods = ("password", "magic_link", "totp", "recovery_code", "email_otp", "nonsense")
    demanded = Required(PASSWORD, second=("totp", "recovery_code"))
    for length in range(4):
        for shown in itertools.product(methods, repeat=length):
            done = next_step(_sign_in(*shown), demanded) == Done()
            assert done == ("password" in shown and bool({"totp", "recovery_code"} & {*shown[1:]}))


def test_the_last_recovery_code_is_one_though_none_is_left() -> None:
    demanded = Required(PASSWORD, second=("totp",))
    assert next_step(_sign_in("password", "recovery_code"), demanded) == Done()
    assert next_step(_sign_in("recovery_code"), demanded) == Ask(PASSWORD)


def test_proofs_of_nobody_are_none() -> None:
    nobody = SignIn(proofs=_sign_in("password", "totp").proofs)
    demanded = Required(PASSWORD, second=("totp",))
    assert next_step(nobody, demanded) == Ask(PASSWORD)


def test_a_client_without_a_method_lets_nobody_in() -> None:
    assert next_step(_sign_in("password", "totp"), Required(())) == Ask(())


def _with_passkey(*, verified: bool, more: tuple[str, ...] = ()) -> SignIn:
    proof = Proof(method="passkey", kind="possession", amr=(), at=1, verified=verified)
    return SignIn(account_id="someone", proofs=(proof, *_sign_in(*more).proofs))


BOTH = ("password", "passkey")
ONE = SecondFactors(passkeys=1)
APP = SecondFactors(method="totp", has_totp=True, passkeys=1, recovery_codes=2)


@pytest.mark.parametrize(
    ("policy", "person", "factors", "missing"),
    [
        ("optional", {}, ONE, Done()),
        ("required_any", {}, ONE, Done()),
        ("required_passkey", {}, ONE, Done()),
        ("required_totp", {}, ONE, Enrol(("totp",))),
        ("required_email", {}, ONE, Enrol(("email_otp",))),
        ("optional", {"two_factor_enabled": True}, APP, Done()),
        ("required_passkey", {"two_factor_enabled": True}, APP, Done()),
        ("required_totp", {"two_factor_enabled": True}, APP, Ask(("totp", "recovery_code"), True)),
    ],
)
def test_a_passkey_that_knew_its_owner_is_two_factors(
    policy: str, person: dict[str, bool], factors: SecondFactors, missing: object
) -> None:
    organization = factories.organization(two_factor_policy=policy)
    demanded = required(organization, BOTH, factories.user(**person), factors)
    assert next_step(_with_passkey(verified=True), demanded) == missing
    alone = next_step(_with_passkey(verified=False), demanded)
    assert (alone == Done()) == (policy == "optional" and not person), "it counts once"


@pytest.mark.parametrize(
    ("policy", "person", "factors", "expected"),
    [
        ("required_passkey", {}, ONE, Ask(("passkey",), True)),
        ("required_any", {}, ONE, Ask(("passkey",), True)),
        ("optional", {}, ONE, Done()),
        ("optional", {"two_factor_enabled": True}, APP,
         Ask(("totp", "passkey", "recovery_code"), True)),
        ("required_passkey", {"two_factor_enabled": True}, APP,
         Ask(("passkey", "recovery_code"), True)),
        ("required_passkey", {"two_factor_enabled": True},
         SecondFactors(method="totp", has_totp=True), Ask(("totp",), True)),
        ("optional", {"two_factor_enabled": True}, SecondFactors(method="passkey"),
         Ask(("nothing_left",), True)),
        ("optional", {"two_factor_enabled": True}, SecondFactors(method="totp", passkeys=1),
         Ask(("passkey",), True)),
    ],
)  # fmt: skip
def test_beside_a_password_it_is_one(
    policy: str, person: dict[str, bool], factors: SecondFactors, expected: object
) -> None:
    organization = factories.organization(two_factor_policy=policy)
    demanded = required(organization, BOTH, factories.user(**person), factors)
    assert next_step(_sign_in("password"), demanded) == expected


def test_whoever_has_another_one_shows_that_before_a_passkey_is_set_up() -> None:
    organization = factories.organization(two_factor_policy="required_passkey")
    person = factories.user(two_factor_enabled=True)
    demanded = required(organization, BOTH, person, SecondFactors(method="totp", has_totp=True))
    assert next_step(_sign_in("password", "totp"), demanded) == Enrol(("passkey",))
    assert next_step(_sign_in("password", "passkey"), demanded) == Ask(("totp",), True)
    assert next_step(_sign_in("password", "totp", "passkey"), demanded) == Done()


MFA, BY_PASSWORD = "urn:porta:acr:mfa", "urn:porta:acr:password"


@pytest.mark.parametrize(
    ("person", "factors", "acr", "expected"),
    [
        ({}, ONE, (MFA,), Ask(("passkey",), True)),
        ({}, ONE, (BY_PASSWORD,), Done()),
        ({}, ONE, (MFA, BY_PASSWORD), Done()),
        ({}, SecondFactors(), (MFA,), Done()),
        (
            {"two_factor_enabled": True},
            APP,
            (MFA,),
            Ask(("totp", "passkey", "recovery_code"), True),
        ),
    ],
)
@pytest.mark.parametrize("first", ["password", "session"])
def test_9470_what_a_client_demands_is_asked_of_whoever_has_it(
    first: str, person: dict[str, bool], factors: SecondFactors, acr: tuple[str, ...],
    expected: object,
) -> None:  # fmt: skip
    """Beside a password, and beside a session that says so; what nobody has, nobody is asked for:
    the request fails.
    """
    demanded = required(
        factories.organization(two_factor_policy="optional"), BOTH, factories.user(**person),
        factors, acr,
    )  # fmt: skip
    assert next_step(_sign_in(first), demanded) == expected
    for method in demanded.more:
        beside = Proof(method=method, kind="possession", amr=(), at=1)
        whole = SignIn(account_id="someone", proofs=(*_sign_in(first).proofs, beside))
        assert next_step(whole, demanded) == Done()


def test_9470_to_something_that_a_person_has_another_such_thing_adds_nothing() -> None:
    demanded = Required(("magic_link",), acr=(MFA,), more=("totp", "passkey"))
    link = Proof(method="magic_link", kind="possession", amr=(), at=1)
    sign_in = SignIn(account_id="someone", proofs=(link,))
    assert next_step(sign_in, demanded) == Ask(("passkey",), True), "it may know its owner"
    assert next_step(_with_passkey(verified=False), Required(BOTH, acr=(MFA,), more=BOTH)) == Done()
    assert next_step(_with_passkey(verified=True), Required(BOTH, acr=(MFA,), more=BOTH)) == Done()


def test_9470_who_is_trusted_to_have_shown_both_elsewhere_has_not_shown_them_here() -> None:
    proof = Proof(method="federation", kind="federated", amr=("fed",), at=1, covers_second=True)
    sign_in = SignIn(account_id="someone", proofs=(proof,))
    demanded = Required(PASSWORD, second=("totp",), more=("totp",))
    assert next_step(sign_in, demanded) == Done()
    assert next_step(sign_in, replace(demanded, acr=(MFA,))) == Ask(("totp",), True)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_trusted_device_spares_what_a_policy_demands(policy: str) -> None:
    organization = factories.organization(two_factor_policy=policy)
    person = factories.user(two_factor_enabled=True)
    demanded = required(organization, PASSWORD, person, SecondFactors(method="totp", has_totp=True))
    assert next_step(_sign_in("password"), demanded) == Ask(("totp",), second=True)
    assert next_step(_sign_in("password"), at_trusted_device(demanded)) == Done()
    assert next_step(SignIn(), at_trusted_device(demanded)) == Ask(PASSWORD)


def test_it_spares_nothing_that_a_client_demands_or_that_is_not_set_up_yet() -> None:
    organization = factories.organization()
    person = factories.user(two_factor_enabled=True)
    held = SecondFactors(method="totp", has_totp=True, recovery_codes=1)
    demanded = required(organization, PASSWORD, person, held, acr=("urn:porta:acr:mfa",))
    step = next_step(_sign_in("password"), at_trusted_device(demanded))
    assert step == Ask(("totp", "recovery_code"), second=True)
    strict = factories.organization(two_factor_policy="required_totp")
    demanded = required(strict, PASSWORD, factories.user())
    assert next_step(_sign_in("password"), at_trusted_device(demanded)) == Enrol(("totp",))


def test_no_device_is_trusted_where_it_is_a_passkey_that_is_demanded() -> None:
    days = {"trusted_device_days": 30}
    assert trusted_days(factories.organization()) == 0
    assert trusted_days(factories.organization(**days)) == 30
    assert trusted_days(factories.organization(**days, two_factor_policy="required_passkey")) == 0
