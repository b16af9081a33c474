"""Simplexes of networks: vertices added one after the other, volumes, learned subspaces."""

from mc_tf.simplexes.regularizers import LogVolume, Similarity
from mc_tf.simplexes.vertices import add_vertex
from mc_tf.simplexes.volume import volume

__all__ = ["LogVolume", "Similarity", "add_vertex", "volume"]
