"""Profiles: everything that decides a run, as TOML files beside this module."""
