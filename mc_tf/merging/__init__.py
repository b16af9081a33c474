"""Merges the weights of several networks into one network."""

from mc_tf.merging.formulas import dare, slerp, task_arithmetic, ties, uniform
from mc_tf.merging.greedy import greedy
from mc_tf.merging.merge import merge
from mc_tf.merging.soup import greedy_soup

__all__ = [
    "dare",
    "greedy",
    "greedy_soup",
    "merge",
    "slerp",
    "task_arithmetic",
    "ties",
    "uniform",
]
