r"""Writes a report of a directory of runs: main numbers, figures, tables, settings.

Reads the output of train.py, connect.py, reproduce.py, evaluations and figures in WORKDIR, finished
or not. The page is a single self-contained file. No network is loaded.

  python bin/report.py runs/digits
  python bin/report.py --title=Digits --page=digits.html runs/digits
"""

import shared
from absl import flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "workdir", None, "Directory of one or more runs; can also be the first argument."
)
flags.DEFINE_string("page", None, "Page to write. Default: report.html in the directory.")
flags.DEFINE_string("title", None, "Heading. Default: the directory's name.")


def main(arguments):
    """Writes the page."""
    from mc_tf.reports.page import write_report
    from mc_tf.storage.destinations import check_output

    given = [*arguments[1:], *filter(None, [FLAGS.workdir])]
    if len(given) != 1:
        raise ValueError(f"Expected one directory: report.py WORKDIR. Received: {given or 'none'}.")
    if FLAGS.page:
        check_output(FLAGS.page)
    print(write_report(given[0], FLAGS.page, FLAGS.title))


if __name__ == "__main__":
    shared.run(main, positional=1, renamed={"output": "--page"})
