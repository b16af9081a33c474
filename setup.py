"""Installs mc_tf: `pip install -e .`, or with its tests `pip install -e ".[test]"`."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
version = {}
exec((HERE / "mc_tf" / "version.py").read_text(encoding="utf-8"), version)

setup(
    name="mc_tf",
    version=version["__version__"],
    description="Mode connectivity and fast ensembling of neural networks, for Keras 3",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["mc_tf", "mc_tf.*"]),
    install_requires=[
        "tensorflow>=2.18",
        "tensorflow-datasets>=4.9.7",
        "importlib_resources",  # tensorflow-datasets imports it and does not declare it
        "keras>=3.12,<4",
        "numpy>=1.26",
        "h5py>=3.11",  # what files of weights hold; Keras needs it, too
        "scipy>=1.11",  # eigenvalues of Hessians
        "absl-py>=2.1",
        "matplotlib>=3.8",
        "scikit-learn>=1.4",  # the embedded digits
        "tqdm>=4.60",
        "tensorboard>=2.18",  # --tensorboard
    ],
    extras_require={
        "test": [
            "hypothesis>=6.100",
            "pandas>=2.2",
            "pytest>=8,<9.2",  # pytest-xdist 3.8 does not keep groups together under 9.2
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.5",
            "ruff>=0.8",
            "jax>=0.4.35",
        ],
        "jax": ["jax>=0.4.35"],
        "torch": ["torch>=2.6"],
    },
)
