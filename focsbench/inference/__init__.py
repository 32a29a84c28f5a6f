"""Trained networks applied to photographs, by engines other than PyTorch."""
