"""The machine, and the speeds that it reaches."""

import importlib.metadata
import os
import platform
import runpy
import subprocess

import measuring


def git(*arguments):
    """What git answers, or nothing."""
    command = ["git", "-C", measuring.ROOT, *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except FileNotFoundError:
        return ""


def surroundings():
    """The machine and the versions, in words."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            about = dict(part.split("\t: ") for part in file.read().split("\n") if "\t: " in part)
    except FileNotFoundError:
        about = {}
    about = {key.strip(): value for key, value in about.items()}
    wanted = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16")
    present = [flag.upper() for flag in wanted if flag in about.get("flags", "").split()]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = [f"Python {platform.python_version()}"]
    for label, package in (("TensorFlow", "tensorflow"), ("Keras", "keras")):
        try:
            versions.append(f"{label} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:  # installed under another name
            versions.append(f"{label} of unknown version")
    path = os.path.join(measuring.ROOT, "mc_tf", "version.py")
    commit = git("describe", "--always", "--abbrev=7", "--exclude=*", "--dirty= with changes")
    versions.append(f"mc_tf {runpy.run_path(path)['__version__']}{commit and ' at ' + commit}")
    processor = about.get("model name") or platform.processor() or platform.machine()
    return {"Machine": ", ".join([processor, f"{cores} cores", *present])} | {
        "Versions": ", ".join(versions)
    }


def operations(network, count):
    """Floating-point operations of a forward pass of `count` examples, as TensorFlow counts."""
    import tensorflow as tf

    inputs = tf.TensorSpec((count, *network.input_shape[1:]))
    passing = tf.function(lambda x: network(x), autograph=False).get_concrete_function(inputs)
    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder(profiler.ProfileOptionBuilder.float_operation())
    options = options.with_empty_output().build()
    return profiler.profile(passing.graph, options=options).total_float_ops


def references():
    """What the machine reaches: `{name: (function, its floating-point operations)}`."""
    import tensorflow as tf

    size, images, pixels, channels = 2048, 64, 32, 64
    matrix = tf.random.normal((size, size))
    x = tf.random.normal((images, pixels, pixels, channels))
    kernel = tf.random.normal((3, 3, channels, channels))
    convolution = tf.function(lambda: tf.nn.conv2d(x, kernel, 1, "SAME"))
    return {
        "matrix product": (lambda: tf.matmul(matrix, matrix).numpy(), 2 * size**3),
        "convolution": (
            lambda: convolution().numpy(),
            2 * images * pixels**2 * 9 * channels**2,
        ),
    }
