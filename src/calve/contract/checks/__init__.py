"""Checks of what no single field shows. Each takes drafts, so that one mistake hides no other."""
