"""Whole experiments, as recipes describe them, and the pieces that the programs share."""
