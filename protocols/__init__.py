"""Evaluation protocols, one file each; found by entry point ``focsbench.protocols``."""
