"""What an experiment keeps: one row per head of every run, in one Parquet file.

The file's metadata, under METADATA_KEY, is JSON that says how to do it again: the experiment,
versions and machine (a list where runs differ), encoder fingerprints and clip counts. Folders of
the machine are left out: experiment.toml has them.
"""

import pyarrow as pa

RESULTS_FILE = "results.parquet"
METADATA_KEY = b"aloe"
ALL_LABELS = "all_labels"
"""In place of an acquisition function: the head trained on every train label, the ceiling."""
CHECKED_LABEL_COUNTS = (50, 100, 200, 400)
"""Where estimates, and what a head would accept, are held against the truth."""

_RUN = [
    pa.field("dataset", pa.string(), nullable=False),
    pa.field("encoder", pa.string(), nullable=False),
    pa.field("task", pa.string(), nullable=False),
    pa.field("acquisition_function", pa.string(), nullable=False),  # or ALL_LABELS
    pa.field("selection_rule", pa.string(), nullable=False),  # empty for ALL_LABELS
    pa.field("oracle", pa.string(), nullable=False),
    pa.field("seed", pa.int64(), nullable=False),
    pa.field("representation", pa.string(), nullable=False),  # what heads read
    pa.field("head_recipe", pa.string(), nullable=False),  # as head_recipe_text writes it
    pa.field("audit_share", pa.float64(), nullable=False),  # part of the picks drawn at random
]
_HEAD = [
    pa.field("round", pa.int32(), nullable=False),  # 0 is the head of the seed labels, or none yet
    pa.field("head_version", pa.int32(), nullable=False),  # 0 before the first
    pa.field("label_count", pa.int64(), nullable=False),  # train labels in this head
    pa.field("training_loss", pa.float64()),
    pa.field("prediction_agreement", pa.float64()),  # with the previous head, on the pool
    pa.field("mean_uncertainty", pa.float64()),  # over the unlabeled clips
    # How often the head is right, without validation labels; null where there is no estimate.
    *(pa.field(f"estimated_{name}", pa.float64()) for name in ("accuracy", "low", "high")),
    pa.field("audit_label_count", pa.int64()),  # random picks among the labels of the estimate
    pa.field("stop", pa.list_(pa.string())),  # the stopping rules that say stop at this head
]
_PICKS = [
    # What was asked by this head and answered; empty for the last head and for ALL_LABELS.
    pa.field("picks", pa.list_(pa.string())),
    pa.field("pick_scores", pa.list_(pa.float64())),
    pa.field("pick_labels", pa.list_(pa.string())),  # null where the oracle abstained
]
_EVALUATIONS = [
    pa.field(f"{split}_{figure}", kind)
    for split in ("validation", "test")
    for figure, kind in (
        ("accuracy", pa.float64()),
        ("macro_f1", pa.float64()),
        ("class_recalls", pa.list_(pa.float64())),
        ("loss", pa.float64()),
        ("calibration_error", pa.float64()),
        # Of several labels a clip: means over the classes that have one.
        ("mean_average_precision", pa.float64()),
        ("mean_roc_auc", pa.float64()),
        ("class_average_precisions", pa.list_(pa.float64())),
    )
]
_CHECKS = [
    # Of the heads at CHECKED_LABEL_COUNTS and the last, where they have an estimate: what they say
    # of the train clips that were not asked, and of the test clips. Accepted are the predictions of
    # which the spec's max_expected_error is expected to be wrong; wrong, those of them that are.
    pa.field(f"{part}_{figure}", kind)
    for part in ("rest", "test")
    for figure, kind in (
        *((f"{each}_count", pa.int64()) for each in ("clip", "right", "accepted", "wrong")),
        ("expected_error", pa.float64()),
    )
]
_TIMES = [
    pa.field(name, pa.float64())
    for name in ("training_s", "evaluation_s", "scoring_s", "selection_s", "store_s", "round_s")
]

TIME_COLUMNS = tuple(field.name for field in _TIMES)
"""They differ from run to run; every other column is fixed by the seed."""
RUN_COLUMNS = tuple(field.name for field in _RUN)
SCHEMA = pa.schema([*_RUN, *_HEAD, *_PICKS, *_EVALUATIONS, *_CHECKS, *_TIMES])
