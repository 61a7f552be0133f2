"""Several labels a clip at the command line: task, answers, tables of labels, dump and restore."""

import json
from pathlib import Path

import pytest

from .conftest import CommandLine


@pytest.fixture(scope="module")
def pool(aloe: CommandLine, recordings: Path) -> str:
    aloe.output("import", "overlapping", recordings)
    return "overlapping"


def several(aloe: CommandLine, pool: str, name: str, *options: object) -> str:
    return aloe.new_task(pool, name, "--label-mode", "multiple", *options)


def ids(aloe: CommandLine, pool: str) -> list[str]:
    return [each["clip_id"] for each in aloe.json("clip", "list", pool)]


def test_a_task_tells_how_many_labels_a_clip_has(aloe: CommandLine, pool: str):
    task = several(aloe, pool, "told", "--unmentioned", "unknown")
    told = aloe.json("task", "show", task)["task"]
    assert (told["label_mode"], told["unmentioned"]) == ("multiple", "unknown")
    assert "nothing is known of those that are not named" in aloe.output("task", "show", task)
    refused = aloe.run(
        *("task", "create", "wrong", "--pool", pool, "--classes", "a,e"),
        *("--label-mode", "multiple", "--head-recipe", "ridge"),
    )
    assert refused.returncode == 1
    assert "ridge heads are of one label a clip" in refused.stderr


def test_the_best_recipe_of_several_labels_is_told_with_the_reason(aloe: CommandLine, pool: str):
    arguments = ["--pool", pool, "--classes", "a,e", "--recipe", "best"]
    several_labels = ["--label-mode", "multiple"]
    told = aloe.output("task", "create", "best-of-several", *arguments, *several_labels)
    reason = "with several labels a clip the recipe best is kernel, since the ridge heads of best"
    assert f"kernel: {reason}" in " ".join(told.split())
    shown = aloe.json("task", "show", "best-of-several")
    assert (shown["recipe"], shown["recipe_reason"][: len(reason)]) == ("kernel", reason)
    one = aloe.json("task", "create", "best-of-one", *arguments)
    assert (one["recipe"], one["recipe_reason"]) == ("best", "")
    for command in (("task", "create"), ("bench", "run")):
        assert "kernel" in aloe.output(*command, "--help").split("--recipe")[1]


def test_answers_are_sets_from_queries_and_from_lines(aloe: CommandLine, pool: str):
    task = several(aloe, pool, "answered")
    leases = aloe.json("query", task, "--count", 3)["leases"]
    answers = zip(leases, ["a;e", "", "-"], strict=True)
    stored = aloe.json("submit", task, *(f"{each['lease_id']}={said}" for each, said in answers))
    assert stored["label_count"] == 2
    told = {
        each["clip_id"]: each["label"] for each in json.loads(aloe.output("export", task, "--json"))
    }
    assert [told[each["clip_id"]] for each in leases] == [
        {"positive": ["a", "e"], "negative": [], "unknown": []},
        {"positive": [], "negative": [], "unknown": []},
        None,
    ]
    done = aloe.run("label", task, "--json", stdin="a;i\n!\n-\n.\n")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["label_count"], outcome["abstention_count"]) == (2, 1)
    refused = aloe.run("label", task, stdin="a;x\n")
    assert "no such key or class: 'a;x'" in refused.stderr


def test_labels_go_out_and_come_back_and_so_does_the_pool(
    aloe: CommandLine, pool: str, tmp_path: Path
):
    task = several(aloe, pool, "kept")
    table = tmp_path / "known.csv"
    first, second, third, *others = ids(aloe, pool)
    rows = [f"{first},a;o,train,label,u", f"{second},,train,label,", f"{third},e,test,label,"]
    rows += [f"{each},{'aeiou'[n % 5]},train,label," for n, each in enumerate(others[:12])]
    table.write_text("\n".join(["clip_id,label,split,answer,unknown", *rows]))
    told = aloe.json("task", "import-labels", task, table)
    assert told["changed_count"] == 15
    exported = aloe.output("export", task)
    assert f"{first},a;o,train" in exported
    again = tmp_path / "again.csv"
    again.write_text(exported)
    assert aloe.json("task", "import-labels", task, again)["changed_count"] == 0
    again.write_text(aloe.output("export", task, "--json"))
    assert aloe.json("task", "import-labels", task, again)["changed_count"] == 0
    dump = tmp_path / "pool.parquet"
    aloe.json("pool", "dump", pool, dump)
    before = aloe.json("task", "show", task)["task"]
    aloe.output("task", "delete", task, "-y")
    aloe.json("pool", "restore", dump)
    assert aloe.output("export", task) == exported
    after = aloe.json("task", "show", task)["task"]
    assert [after[each] for each in ("label_mode", "unmentioned", "classes")] == [
        before[each] for each in ("label_mode", "unmentioned", "classes")
    ]


def test_predictions_name_all_classes_that_reach_their_thresholds(
    aloe: CommandLine, pool: str, recordings: Path, tmp_path: Path
):
    task = several(aloe, pool, "several-predicted")
    known = tmp_path / "known.csv"
    rows = [f"{each},{each.split('~')[0]}" for each in ids(aloe, pool)]
    known.write_text("\n".join(["clip_id,label", *rows]))
    aloe.json("task", "import-labels", task, known)
    aloe.output("query", task, "--min-head", 1)
    sound = next(recordings.rglob("*.wav"))
    (row,) = aloe.json("predict", task, sound)
    expected = [name for name, each in row["probabilities"].items() if each >= 0.5]
    assert row["labels"] == expected
    to = tmp_path / "all.jsonl"
    aloe.output("predict", task, "--pool", "--to", to)
    lines = [json.loads(line) for line in to.read_text().splitlines()]
    assert len(lines) == 30
    for line in lines:
        reached = [name for name, each in line["probabilities"].items() if each >= 0.5]
        assert line["predicted"] == ";".join(reached)
        assert line["label"] == line["clip_id"].split("~")[0]
    card = aloe.output("head", "card", task)
    assert "of a, e, i, o, u whether a clip is of it" in card
    assert aloe.json("task", "replay", task, "--picks")["picks"]["difference_count"] == 0


def test_labels_and_their_sounds_are_a_folder_with_classes_in_one_text(
    aloe: CommandLine, pool: str, recordings: Path, tmp_path: Path
):
    aloe.output("import", "overlapping_heard", recordings, "--keep-audio")
    task, known = several(aloe, "overlapping_heard", "folder"), tmp_path / "known.csv"
    first, second, *_ = ids(aloe, "overlapping_heard")
    known.write_text(f"clip_id,label,unknown\n{first},a;e,u\n{second},o,\n")
    aloe.json("task", "import-labels", task, known)
    folder = tmp_path / "folder"
    aloe.output("export", task, "--what", "audiofolder", "-o", folder)
    lines = (folder / "train" / "metadata.jsonl").read_text().splitlines()
    rows = {each["clip_id"]: each for each in map(json.loads, lines)}
    assert (rows[first]["label"], rows[first]["unknown"]) == ("a;e", "u")
    assert (rows[second]["label"], rows[second]["unknown"]) == ("o", "")
