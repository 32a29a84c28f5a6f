"""Meshes, alignment and distances; arrays in mm (io.py alone reads files)."""
