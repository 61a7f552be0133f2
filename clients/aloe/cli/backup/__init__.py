"""A pool with its tasks in one Parquet file: a row per clip, a column of labels per task.

A restored task has the labels of the dumped one, with who gave them and when, and the heads that
were ever promoted, with their names, maps and rounds. Leases and other heads are not in the file:
the next head is trained anew from the labels. Of a pool that keeps
audio the recordings are in it, unless they were left out. The file is sealed: one that was damaged
since is not restored.
"""

from aloe.cli.backup.dump import Dumped, dump_pool
from aloe.cli.backup.restore import Restored, restore_pool

__all__ = ["Dumped", "Restored", "dump_pool", "restore_pool"]
