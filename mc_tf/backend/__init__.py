"""Differences between backends, and private names of Keras. Private."""
