"""Experiments: named steps, a runner, recipes in Python, and shared parts of programs."""

from mc_tf.experiments.budgets import equal_budgets
from mc_tf.experiments.recipes import Data, Recipe
from mc_tf.experiments.runner import Experiment, Run, run_experiment
from mc_tf.experiments.steps.barrier import Barriers
from mc_tf.experiments.steps.connect import Along, Chain, Connect
from mc_tf.experiments.steps.ensembles import Ensembles, Part, Trajectory
from mc_tf.experiments.steps.figures import Figure, SurfaceFigures
from mc_tf.experiments.steps.film import Film
from mc_tf.experiments.steps.merging import Merge
from mc_tf.experiments.steps.on_curves import CurveEnsembles, Distances, Pairs
from mc_tf.experiments.steps.regressions import Posteriors
from mc_tf.experiments.steps.simplexes import AddVertices, LearnSubspace
from mc_tf.experiments.steps.step import (
    Network,
    Saved,
    Step,
    average,
    checkpoint,
    last,
    member,
    members,
    posterior,
    trajectory,
)
from mc_tf.experiments.steps.surfaces import Grid, Surface
from mc_tf.experiments.steps.train import Score, Train
from mc_tf.experiments.steps.uncertainty import CurveUncertainty, Uncertainty, UncertaintyTable
from mc_tf.experiments.steps.weight_posteriors import SubspaceUncertainty, SWAGUncertainty
from mc_tf.experiments.trainings import espro_steps, fge_training, sse_training, swa_training
from mc_tf.experiments.two_networks import two_networks, two_networks_of_widths
from mc_tf.experiments.uncertainty import uncertainty_at_equal_cost

__all__ = [
    "AddVertices",
    "Along",
    "Barriers",
    "Chain",
    "Connect",
    "CurveEnsembles",
    "CurveUncertainty",
    "Data",
    "Distances",
    "Ensembles",
    "Experiment",
    "Figure",
    "Film",
    "Grid",
    "LearnSubspace",
    "Merge",
    "Network",
    "Pairs",
    "Part",
    "Posteriors",
    "Recipe",
    "Run",
    "SWAGUncertainty",
    "Saved",
    "Score",
    "Step",
    "SubspaceUncertainty",
    "Surface",
    "SurfaceFigures",
    "Train",
    "Trajectory",
    "Uncertainty",
    "UncertaintyTable",
    "average",
    "checkpoint",
    "equal_budgets",
    "espro_steps",
    "fge_training",
    "last",
    "member",
    "members",
    "posterior",
    "run_experiment",
    "sse_training",
    "swa_training",
    "trajectory",
    "two_networks",
    "two_networks_of_widths",
    "uncertainty_at_equal_cost",
]
