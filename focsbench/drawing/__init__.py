"""Figures, curves and views of scans as bytes; knows arrays only."""
