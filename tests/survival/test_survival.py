"""A short version of `run.py`: some kills of programs of each kind, and pairs of equal commands."""

import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from cases import CASES  # noqa: E402
from model_zoo import some  # noqa: E402
from programs import needs_tensorflow  # noqa: E402
from trials import Trials  # noqa: E402

pytestmark = [needs_tensorflow, pytest.mark.xdist_group("survival")]
# Each case writes in a different way; `run.py` has the others. The numbers are kills: fewer for
# training runs, which trace their graphs again each time. Those of `LONG` write like another.
KILLED = {
    **{"train": 1, "swag": 1, "fge": 1, "connect": 1, "eval_curve": 1, "eval_grid": 1},
    **{"eval_ensemble": 2, "plot film": 1, "plot plane": 3},
}
LONG = ("swag", "eval_curve", "eval_ensemble")
AT_ONCE = ("train", "eval_grid", "eval_ensemble", "plot plane")


@pytest.fixture(scope="module")
def trials(tmp_path_factory):
    names = {*KILLED, *AT_ONCE}
    return Trials(tmp_path_factory.mktemp("survival"), np.random.default_rng(7), names)


@pytest.fixture
def case(request):
    (found,) = [case for case in CASES if case.name == request.param]
    return found


@pytest.mark.parametrize("case", some(list(KILLED), KILLED.keys() - LONG), indirect=True)
def test_what_was_killed_ends_as_if_it_had_not_been(trials, case):
    kills, problems = trials.kill(case, most=KILLED[case.name])
    assert not problems
    assert kills <= KILLED[case.name]


@pytest.mark.parametrize("case", AT_ONCE, indirect=True)
def test_two_equal_commands_at_once(trials, case):
    _, problems = trials.pair(case)
    assert not problems
