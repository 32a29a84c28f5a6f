"""Weights of others: recognised, converted, kept per user with their origin and licence."""
