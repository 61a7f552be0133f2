"""An experiment as a TOML file, and as the table of plain values that such a file holds."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from aloe.bench.spec.encoder_names import encoder_name
from aloe.bench.spec.spec import (
    OWN,
    OWN_SEED_LABELS,
    ClassAwareRandom,
    DatasetSpec,
    ExperimentError,
    MarginOn,
    Reading,
    Spec,
)
from aloe.client import (
    AcquisitionFunction,
    InvalidArgument,
    Representation,
    SelectionRule,
    head_recipe_text,
    parse_head_recipe,
    parse_stopping_rule,
    stopping_rule_text,
)
from aloe.oracle import OracleError, parse_oracle
from aloe.values.named_recipes import RECIPES
from aloe.values.strategy_names import strategy_name, strategy_named

RENAMED_KEYS: Mapping[str, str] = {"sampling": "selection_rules"}
"""What earlier versions called a key."""

E = TypeVar("E", bound=Enum)
Table = dict[str, Any]

# Where the paper's text and its authors' code differ. The code reads one second of each clip: the
# middle of a longer one, or a shorter one between zeros.
_PRESETS: Mapping[Reading, Table] = {
    Reading.PAPER: {
        "margin_on": MarginOn.PROBABILITIES.value,
        "class_aware_random": ClassAwareRandom.UNIFORM.value,
        "split_per_seed": False,
        "int16_divisor": 32768,
        "length_policy": "",
    },
    Reading.CODE: {
        "margin_on": MarginOn.LOGITS.value,
        "class_aware_random": ClassAwareRandom.PER_CLASS.value,
        "split_per_seed": False,
        "int16_divisor": 32767,
        "length_policy": "window(16000)",
    },
    Reading.BEST: {
        "margin_on": MarginOn.PROBABILITIES.value,
        "class_aware_random": ClassAwareRandom.UNIFORM.value,
        "split_per_seed": True,
        "int16_divisor": 32768,
        "length_policy": "",
        "recipes": ["best"],
    },
}


def read_table(file: Path) -> Table:
    """Read a TOML file; relative folders in it are taken from where the file lies.

    Raises:
        ExperimentError: it cannot be read.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExperimentError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:  # No text, no TOML, or a number of thousands of digits.
        raise ExperimentError(f"{file} is no TOML: {error}") from error
    try:
        return _beside(table, file.resolve().parent)
    except (AttributeError, TypeError) as error:
        raise ExperimentError(
            f"{file}: datasets must be tables, [[datasets]], and encoders a list of texts"
        ) from error


def make_spec(table: Mapping[str, Any]) -> Spec:
    """Check what was asked for and fill in the presets of its reading.

    Raises:
        ExperimentError: a key is unknown or a value is wrong.
    """
    for key in table:
        if key in RENAMED_KEYS:
            raise ExperimentError(f"{key!r} is called {RENAMED_KEYS[key]!r} now; rename the key")
        if key not in _READERS:
            raise ExperimentError(f"{key!r} is no key of an experiment; {', '.join(_READERS)} are")
    if not table.get("datasets"):
        raise ExperimentError("no data set: give --dataset, or [[datasets]] in the file")
    reading = _choice(Reading, "as", table.get("as", Reading.PAPER.value))
    values = {**_defaults(reading, table), **table}
    return Spec(**{_attribute(key): _READERS[key](key, value) for key, value in values.items()})


def _defaults(reading: Reading, table: Mapping[str, Any]) -> Table:
    """Return what is filled in where a table does not say it."""
    found = dict(_PRESETS[reading])
    if table.keys() & {"head_recipes", "representations"}:
        found.pop("recipes", None)
    recipes = table.get("recipes", found.get("recipes"))
    if recipes or reading is Reading.BEST:
        found["seed_labels"] = OWN_SEED_LABELS if recipes else 0
    if recipes and not table.keys() & {"acquisition_functions", "selection_rules"}:
        found["strategies"] = ["random", OWN]
    if recipes or table.get("strategies"):
        # As many labels a round for all of them.
        found["class_agnostic_batch"] = 0
    if table.get("labels"):
        found["rounds"] = 0
    return found


def with_flags(table: Mapping[str, Any], flags: Mapping[str, Any]) -> Table:
    """Let flags override a file; the flag "as" also replaces what a reading presets in the file."""
    replaced: set[str] = set()
    if "as" in flags:
        for each in Reading:
            if each.value in (Reading.PAPER.value, table.get("as"), flags["as"]):
                replaced |= _PRESETS[each].keys()
    return {key: value for key, value in table.items() if key not in replaced} | dict(flags)


def to_table(spec: Spec) -> Table:
    """Return every value of an experiment as make_spec reads it."""
    table = {
        each.metadata.get("key", each.name): _plain(getattr(spec, each.name))
        for each in fields(spec)
    }
    # Tables come last in TOML.
    return {**table, "datasets": table.pop("datasets")}


def public_table(spec: Spec) -> Table:
    """Return the same without the names of folders on this machine, for results that are shared."""
    table = to_table(spec)
    for each, dataset in zip(table["datasets"], spec.datasets, strict=True):
        each |= {"name": dataset.short_name, "root": ""}
    table["encoders"] = [encoder_name(each) if _is_local(each) else each for each in spec.encoders]
    return table


def _is_local(location: str) -> bool:
    return location.startswith(("file:", "~", ".")) or Path(location).is_absolute()


def to_toml(spec: Spec) -> str:
    return tomli_w.dumps(to_table(spec))


def _beside(table: Table, folder: Path) -> Table:
    """Make the paths of a table absolute."""
    if "encoders" in table:
        table["encoders"] = [resolve(each, folder) for each in table["encoders"]]
    for each in table.get("datasets", []):
        if "root" in each:
            each["root"] = str(folder / each["root"])
        elif "name" in each:
            each["name"] = resolve(each["name"], folder)
    return table


def resolve(name_or_path: str, folder: Path) -> str:
    """Return the absolute path of what lies in a folder, and a name as it is."""
    path = folder / name_or_path
    return str(path.resolve()) if name_or_path and path.exists() else name_or_path


def _attribute(key: str) -> str:
    return "reading" if key == "as" else key


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case tuple():
            return [_plain(each) for each in value]
        case DatasetSpec():
            return {"name": value.name, "root": value.root, "tasks": list(value.tasks)}
    return value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ExperimentError(f"{key} is {value!r}; give a text")
    return value


def _count(key: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ExperimentError(f"{key} is {value!r}; give a whole number")
    return value


def _number(key: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ExperimentError(f"{key} has {value!r}; give a number")
    try:
        return float(value)
    except OverflowError:
        raise ExperimentError(
            f"{key} has a number of {len(str(value))} digits; give less"
        ) from None


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ExperimentError(f"{key} is {value!r}; give true or false")
    return value


def _choice(kind: type[E], key: str, value: Any) -> E:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(str(each.value) for each in kind)
        raise ExperimentError(f"{key} has {value!r}; there are {known}") from None


def _list(key: str, value: Any, read: Callable[[str, Any], Any]) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ExperimentError(f"{key} is {value!r}; give a list")
    return tuple(read(key, each) for each in value)


def _dataset(key: str, value: Any) -> DatasetSpec:
    if not isinstance(value, dict) or not value.get("name"):
        raise ExperimentError(f"{key} has {value!r}; give a table with a name")
    for each in value:
        if each not in ("name", "root", "tasks"):
            raise ExperimentError(f"{key} has the key {each!r}; name, root and tasks are known")
    return DatasetSpec(
        _text("name", value["name"]),
        _text("root", value.get("root", "")),
        _list("tasks", value.get("tasks", []), _text),
    )


def _strategy(key: str, value: Any) -> str:
    """Return a query strategy's own name, by which it may not have been called."""
    if value == OWN:
        return OWN
    try:
        return strategy_name(strategy_named(_text(key, value)))
    except ValueError as error:
        raise ExperimentError(f"{key} has {value!r}: {error}, {OWN}") from error


def _recipe_name(key: str, value: Any) -> str:
    if not isinstance(value, str) or value not in RECIPES:
        raise ExperimentError(f"{key} has {value!r}; there are {', '.join(RECIPES)}")
    return value


def _rule(key: str, value: Any) -> str:
    """Return a stopping rule's text with all of its settings, since defaults may change."""
    try:
        return stopping_rule_text(parse_stopping_rule(_text(key, value)))
    except InvalidArgument as error:
        raise ExperimentError(f"{key} has {value!r}: {error}") from error


def _oracle(key: str, value: Any) -> str:
    try:
        return str(parse_oracle(_text(key, value)))
    except OracleError as error:
        raise ExperimentError(f"{key} has {value!r}: {error}") from error


def _recipe(key: str, value: Any) -> str:
    """Return a head recipe's text with all of its settings, as _rule does."""
    try:
        return head_recipe_text(parse_head_recipe(_text(key, value)))
    except InvalidArgument as error:
        raise ExperimentError(f"{key} has {value!r}: {error}") from error


def _one_of(kind: type[E]) -> Callable[[str, Any], E]:
    return lambda key, value: _choice(kind, key, value)


def _list_of(read: Callable[[str, Any], Any]) -> Callable[[str, Any], tuple[Any, ...]]:
    return lambda key, value: _list(key, value, read)


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "datasets": _list_of(_dataset),
    "encoders": _list_of(_text),
    "acquisition_functions": _list_of(_one_of(AcquisitionFunction)),
    "selection_rules": _list_of(_one_of(SelectionRule)),
    "strategies": _list_of(_strategy),
    "oracles": _list_of(_oracle),
    "head_recipes": _list_of(_recipe),
    "representations": _list_of(_one_of(Representation)),
    "recipes": _list_of(_recipe_name),
    "audit_shares": _list_of(_number),
    "max_expected_error": _number,
    "stop": _list_of(_rule),
    "seeds": _count,
    "rounds": _count,
    "labels": _count,
    "seed_labels": _count,
    "batch_size": _count,
    "class_aware_batch": _count,
    "class_agnostic_batch": _count,
    "batches_at_once": _count,
    "as": _one_of(Reading),
    "margin_on": _one_of(MarginOn),
    "class_aware_random": _one_of(ClassAwareRandom),
    "split_per_seed": _flag,
    "ignore_splits": _flag,
    "int16_divisor": _count,
    "length_policy": _text,
}
