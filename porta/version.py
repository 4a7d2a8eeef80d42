"""The version of Porta; `setup.py` reads it too."""

VERSION = "2.0.0.dev0"
