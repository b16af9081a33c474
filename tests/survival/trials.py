"""Kills programs at random moments, or starts two at once, and compares their files."""

import contextlib
import pathlib
import shutil
import time

from cases import CASES, contents, differences, hidden, make_inputs
from programs import start

_KILLS_A_TRIAL = 3


class Trials:
    """Trials in one directory, against undisturbed runs of the same commands.

    Args:
        folder: directory for everything.
        random: `numpy.random.Generator`.
        names: of the cases. Default: all.
    """

    def __init__(self, folder, random, names=None):
        self.folder = pathlib.Path(folder).resolve()
        self.random = random
        self.cases = [case for case in CASES if not names or case.name in names]
        self._now = self.folder / "now"
        self._references = {}
        if not (self.folder / "inputs").exists():
            make_inputs(self.folder / "inputs")

    def _reference(self, case):
        """The files of an undisturbed run, and how long it takes in seconds."""
        if case not in self._references:
            begun = time.monotonic()
            self._empty()
            ended = self._start(case).wait()
            assert ended.code == 0, f"{case.name}: {ended.err}"
            assert not hidden(self._now), f"{case.name}: {hidden(self._now)} is left"
            self._references[case] = contents(self._now), time.monotonic() - begun
        return self._references[case]

    def _empty(self):
        shutil.rmtree(self._now, ignore_errors=True)
        self._now.mkdir()

    def _start(self, case):
        return start(case.program, *case.flags, directory=self._now)

    def kill(self, case, most=_KILLS_A_TRIAL):
        """Kills a program some times, runs it to its end, and compares.

        Args:
            case: `Case`.
            most: number of kills.

        Returns:
            `(kills, problems)`: how many struck it, and a list of texts.
        """
        reference, seconds = self._reference(case)
        self._empty()
        kills = 0
        for _ in range(most):
            running = self._start(case)
            if self.random.random() < 0.5:
                running.process.join(self.random.uniform(0, seconds))
            else:
                self._until_it_writes(running, self.random.integers(1, 9))
            running.process.kill()
            code = running.wait().code
            if code == 0:  # it was faster
                break
            if code != -9:
                return kills, [f"exit status {code} before the kill"]
            kills += 1
        ended = self._start(case).wait()
        problems = [f"{name} differs" for name in differences(self._now, reference, case)]
        if ended.code != 0:
            problems.append(f"exit status {ended.code}: {' '.join(ended.errors)[-300:]}")
        return kills, problems

    def _until_it_writes(self, running, times):
        """Waits until a program has begun to write this number of files, or has ended."""
        seen = set()
        while running.process.is_alive() and len(seen) < times:
            with contextlib.suppress(OSError):  # directories come and go
                seen.update(path.name for path in self._now.rglob(".mc_tf-*"))
            time.sleep(0.001)
        time.sleep(self.random.uniform(0, 0.01))

    def pair(self, case):
        """Starts two equal commands at about the same moment, and compares.

        Args:
            case: `Case`.

        Returns:
            `(refused, problems)`: whether one of the two was, and a list of texts.
        """
        reference, seconds = self._reference(case)
        self._empty()
        both = [self._start(case)]
        time.sleep(self.random.uniform(0, min(seconds, 0.5)))
        both.append(self._start(case))
        ended = [running.wait() for running in both]
        problems = [f"{name} differs" for name in differences(self._now, reference, case)]
        refused = [one for one in ended if one.code != 0]
        for one in refused:
            lines = one.errors
            if not case.alone or one.code != 1 or len(lines) != 1 or "in use by" not in lines[0]:
                problems.append(f"exit status {one.code}: {' '.join(lines)[-300:]}")
        if len(refused) == 2:
            problems.append("both were refused")
        return bool(refused), problems
