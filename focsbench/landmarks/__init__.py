"""Faces and their 68 landmarks in photographs: one interface, one file per detector."""
