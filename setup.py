"""Installs mc_tf: `pip install -e .`, or with its tests `pip install -e ".[test]"`."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
version = {}
exec((HERE / "mc_tf" / "version.py").read_text(encoding="utf-8"), version)

DOCS = ["mkdocs-material>=9.6", "mkdocstrings[python]>=0.29"]

setup(
    name="mc_tf",
    version=version["__version__"],
    description="Mode connectivity and fast ensembling of neural networks, for Keras 3",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    project_urls={
        "Paper: mode connectivity and FGE": "https://arxiv.org/abs/1802.10026",
        "Paper: averaging weights": "https://arxiv.org/abs/1803.05407",
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    # The programs of bin/ are installed beside the library, as they are, for the command `mc_tf`.
    packages=[*find_packages(include=["mc_tf", "mc_tf.*"]), "mc_tf_programs"],
    package_dir={"mc_tf_programs": "bin"},
    package_data={"mc_tf": ["py.typed"], "mc_tf_programs": ["recipes/*.py"]},
    entry_points={"console_scripts": ["mc_tf = mc_tf_programs.command:main"]},
    install_requires=[
        "tensorflow>=2.18",
        "tensorflow-datasets>=4.9.7",
        "importlib_resources",  # tensorflow-datasets imports it and does not declare it
        "keras>=3.12,<4",
        "numpy>=1.26",
        "h5py>=3.11",  # what files of weights hold; Keras needs it, too
        "scipy>=1.11",  # eigenvalues of Hessians, assignments of units
        "absl-py>=2.1",
        "matplotlib>=3.8",
        "scikit-learn>=1.4",  # the embedded digits
        "tqdm>=4.60",
        "ml_dtypes>=0.4",  # bfloat16 in numpy, which Keras needs, too
        "requests>=2.28",  # whether a download of tensorflow-datasets failed
    ],
    extras_require={
        "test": [
            *DOCS,
            "hypothesis>=6.100",
            "mypy>=2.0",
            "pandas>=2.2",
            "pytest>=8,<9.2",  # pytest-xdist 3.8 does not keep groups together under 9.2
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.5",
            "ruff>=0.8",
            "jax>=0.4.35",
            "plotly>=5.24",
            "arviz>=0.17,<1",
            "tensorboard>=2.18",
        ],
        "docs": DOCS,
        "tensorboard": ["tensorboard>=2.18"],
        "report": ["plotly>=5.24"],  # surfaces that can be turned
        "posterior": ["arviz>=0.17,<1"],  # diagnostics of samples
        "jax": ["jax>=0.4.35"],
        "torch": ["torch>=2.6"],
    },
)
