"""A pool with its tasks in one Parquet file: a row per clip, a column of labels per task.

A restored task has the labels of the dumped one, with who gave them and when. Leases, rounds and
heads are not in the file: the first head is trained anew from the labels. Nor is kept audio.
"""

from aloe.cli.backup.dump import dump_pool
from aloe.cli.backup.restore import restore_pool

__all__ = ["dump_pool", "restore_pool"]
