"""Families of models that can be trained on their own output: one module a family."""
