"""Faces of single photographs: from a file to meshes, pictures and one page to look at."""
