"""Films of planes."""

import pytest
from matplotlib.animation import FFMpegWriter
from PIL import Image
from surfaces import (
    curve,
    plane,
)

from mc_tf import plots


def frames(path):
    with Image.open(path) as film:
        pictures = []
        for number in range(film.n_frames):
            film.seek(number)
            pictures.append(film.convert("RGB").tobytes())
        return pictures, film.info


def test_film_of_results(tmp_path):
    results = [plane(height=height) for height in (5.0, 20.0, 40.0)]
    for name in ("a", "b"):
        plots.save(
            plots.plot_film(results, labels=list("xyz"), frames_per_second=4, title="T"),
            tmp_path / f"{name}.gif",
        )
    pictures, info = frames(tmp_path / "a.gif")
    assert len(set(pictures)) == 3 and info["duration"] == 250
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_film_of_the_curves_on_one_plane(tmp_path):
    result = plane()
    result.paths = {f"epoch {epoch}": curve(10.0 * epoch) for epoch in range(4)}
    plots.save(plots.plot_film(result), tmp_path / "a.gif")
    assert len(set(frames(tmp_path / "a.gif")[0])) == 4


def test_film_as_mp4(tmp_path, monkeypatch):
    result = [plane(), plane(height=10.0)]
    if FFMpegWriter.isAvailable():
        plots.save(plots.plot_film(result), tmp_path / "a.mp4")
        assert (tmp_path / "a.mp4").stat().st_size > 1000
    monkeypatch.setattr("matplotlib.animation.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(ValueError, match=r"ffmpeg.*not installed.*\.gif"):
        plots.save(plots.plot_film(result), tmp_path / "b.mp4")


def test_the_directory_of_a_film_is_made(tmp_path):
    plots.save(plots.plot_film([plane(5)] * 2), tmp_path / "new" / "a.gif")
    assert (tmp_path / "new" / "a.gif").read_bytes().startswith(b"GIF")
