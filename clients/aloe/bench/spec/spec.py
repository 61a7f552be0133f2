"""What an experiment is asked to do, as one checked value."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from math import ceil
from pathlib import Path

from aloe.bench.spec.encoder_names import encoder_name
from aloe.client import (
    AcquisitionFunction,
    AnyOfRules,
    LabelMode,
    QueryStrategy,
    Representation,
    SelectionRule,
    head_recipe_text,
    parse_head_recipe,
    parse_stopping_rule,
)
from aloe.oracle import PERFECT
from aloe.values.named_recipes import Recipe, RecipeName, recipe_named
from aloe.values.recipes import PAPER_RECIPE, AdamRecipe
from aloe.values.stopping import MAX_LABEL_COUNT, looks_at_pool
from aloe.values.strategies import PAPER_STRATEGY
from aloe.values.strategy_names import strategy_name, strategy_named
from aloe.wire.bounds import ID_COUNT

PAPER_HEAD_RECIPE = head_recipe_text(PAPER_RECIPE)
OWN = "own"
"""In place of the name of a query strategy: each recipe's own."""
OWN_SEED_LABELS = -1

_MAX_RULE_COUNT = 20
"""The stopping rules that a learner can combine."""
_MAX_AUDIT_SHARE = 0.5
"""The part of its picks that a learner draws at random, at most."""
_MOST = {
    "seeds": 10_000,
    "rounds": 1_000_000,
    "labels": MAX_LABEL_COUNT,
    "seed_labels": 1_000_000,
    "batches_at_once": 1_000,
    # What a learner leases at once.
    **dict.fromkeys(("batch_size", "class_aware_batch", "class_agnostic_batch"), ID_COUNT),
}


class ExperimentError(Exception):
    """An experiment that cannot be done: one line that names the key, its value and the remedy."""


class Reading(Enum):
    """Which is followed where the paper's text and its authors' code differ."""

    PAPER = "paper"
    CODE = "code"
    BEST = "best"
    """Neither: what needs the fewest labels."""


class MarginOn(Enum):
    """What the acquisition function smallest_margin takes the margin of."""

    PROBABILITIES = "probabilities"
    LOGITS = "logits"


class ClassAwareRandom(Enum):
    """What random draws under the class-aware rule."""

    UNIFORM = "uniform"
    """From the whole pool, as many clips as a class-aware round has."""
    PER_CLASS = "per-class"
    """A clip of each predicted class."""


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """A data set to label."""

    name: str
    """A known name, or the path of a CSV manifest or of a folder of classes."""
    root: str = ""
    """Where a data set by name lies."""
    tasks: tuple[str, ...] = ()
    """Empty for all of them."""

    @property
    def short_name(self) -> str:
        """What the results call it."""
        return Path(self.name).name


@dataclass(frozen=True, slots=True)
class Spec:
    """An experiment: every data set under every encoder, labeled in every way that is asked for.

    Raises:
        ExperimentError: it contradicts itself.
    """

    datasets: tuple[DatasetSpec, ...]
    encoders: tuple[str, ...] = ("logmel",)
    """Names, folders or URLs, as the embedding service takes them."""
    acquisition_functions: tuple[AcquisitionFunction, ...] = (
        AcquisitionFunction.SMALLEST_MARGIN,
        AcquisitionFunction.RANDOM,
    )
    selection_rules: tuple[SelectionRule, ...] = (SelectionRule.CLASS_AWARE,)
    """Each with every acquisition function: together they are the query strategies."""
    strategies: tuple[str, ...] = ()
    """Names of query strategies, which are asked by in place of those above; OWN for each
    recipe's."""
    oracles: tuple[str, ...] = (PERFECT,)
    """As parse_oracle reads them."""
    head_recipes: tuple[str, ...] = (PAPER_HEAD_RECIPE,)
    """How heads are trained, as head_recipe_text writes them; each with everything above."""
    representations: tuple[Representation, ...] = (Representation.NONE,)
    """What heads read; each with every head recipe."""
    recipes: tuple[str, ...] = ()
    """Names of recipes, which are followed in place of those two."""
    audit_shares: tuple[float, ...] = (0.0,)
    """Parts of the picks that are drawn at random, for estimates of accuracy; each with every
    recipe and query strategy for which that can matter, see audit_shares_of."""
    max_expected_error: float = 0.02
    """Predictions are accepted so that this part of them is expected to be wrong; 0 asks for none.
    """
    seeds: int = 10
    """Repetitions, with the seeds 0, 1, ..."""
    rounds: int = 100
    """Batches after the seed labels, at most; 0 for as many as `labels` takes."""
    labels: int = 0
    """Labels in all, seed labels included, at most; 0 for as many as `rounds` takes."""
    seed_labels: int = 5
    """Per class; with 0 the first clips are asked before there is a head. OWN_SEED_LABELS for what
    each recipe has."""
    batch_size: int = 0
    """Labels in every round; 0 for what the next two say."""
    class_aware_batch: int = 0
    """Labels in a class-aware round; 0 for one per class."""
    class_agnostic_batch: int = 1
    """Labels in a class-agnostic round; 0 for as many as there are classes."""
    batches_at_once: int = 1
    """How many batches a slow oracle holds. With more than one, heads learn from whichever is
    answered first, so that picks depend on timing and not on the seed alone."""
    stop: tuple[str, ...] = (
        "plateau:round_count=10,min_gain=0.005",
        "stable_predictions:round_count=3,min_agreement=0.99",
        "uncertainty:0.05",
    )
    """Stopping rules, as parse_stopping_rule reads them, whose advice is kept; none is followed."""
    reading: Reading = field(default=Reading.PAPER, metadata={"key": "as"})
    """Its presets fill in those of the settings below that are not given."""
    margin_on: MarginOn = MarginOn.PROBABILITIES
    class_aware_random: ClassAwareRandom = ClassAwareRandom.UNIFORM
    split_per_seed: bool = False
    """Each seed draws its own train and test clips of the data sets that have no splits of their
    own, so that what is found does not hang on one split; False draws them once, for all seeds."""
    ignore_splits: bool = False
    """With split_per_seed: they are drawn also where a data set has its own."""
    int16_divisor: int = 32768
    """What 16-bit samples are divided by."""
    length_policy: str = ""
    """As the embedding service takes it; empty for the encoder's own."""

    def __post_init__(self) -> None:
        for key in (
            *("datasets", "encoders", "acquisition_functions"),
            *("selection_rules", "oracles", "head_recipes", "representations", "audit_shares"),
        ):
            if not getattr(self, key):
                raise ExperimentError(f"{key} is empty; give at least one")
            self._check_distinct(key, getattr(self, key))
        for key in ("stop", "strategies", "recipes"):
            self._check_distinct(key, getattr(self, key))
        if len(self.stop) > _MAX_RULE_COUNT:
            raise ExperimentError(
                f"stop has {len(self.stop)} rules; give at most {_MAX_RULE_COUNT}"
            )
        self._check_counts()
        self._check_not_absurd()
        self._check_parts()
        self._check_own()
        if self.ignore_splits and not self.split_per_seed:
            raise ExperimentError(
                "ignore_splits is true, but split_per_seed false; set both, or neither"
            )
        if self.int16_divisor not in (32767, 32768):
            raise ExperimentError(f"int16_divisor is {self.int16_divisor}; give 32768 or 32767")
        self._check_names("datasets", [each.short_name for each in self.datasets])
        self._check_names("encoders", [encoder_name(each) for each in self.encoders])
        asked_by = self._chosen(each for each in self.strategies if each != OWN)
        for each in asked_by:
            if not each.goes_together:
                raise ExperimentError(
                    f"{strategy_name(each)} is asked for, but {each.acquisition_function.value}"
                    " goes with class-aware or class-agnostic only; leave the rule out"
                )
        if len(set(asked_by)) < len(asked_by):
            key = "strategies" if self.strategies else "acquisition_functions"
            raise ExperimentError(
                f"{key} has smallest_margin and margin_logits, which are the same while margin_on"
                " is logits; drop one"
            )

    def stopping_rule(self, label_mode: LabelMode) -> AnyOfRules | None:
        """Return the rules that a learner is to judge each head by; None for none.

        Of several labels a clip those that look at the pool do not go.
        """
        rules = tuple(map(parse_stopping_rule, self.stop))
        if label_mode is LabelMode.MULTIPLE:
            rules = tuple(rule for rule in rules if not looks_at_pool(rule))
        return AnyOfRules(rules) if rules else None

    def followed(self, label_mode: LabelMode = LabelMode.SINGLE) -> tuple[Recipe, ...]:
        """Return the recipes; those without a name have no query strategy of their own."""
        if self.recipes:
            named = [recipe_named(RecipeName(name), label_mode) for name in self.recipes]
            if self.seed_labels != OWN_SEED_LABELS:
                named = [replace(each, seed_labels=self.seed_labels) for each in named]
            # Two names may be of one.
            return tuple(dict.fromkeys(named))
        return tuple(
            Recipe(representation, parse_head_recipe(text), PAPER_STRATEGY, self.seed_labels)
            for representation in self.representations
            for text in self.head_recipes
        )

    def asked_by(self, recipe: Recipe) -> tuple[QueryStrategy, ...]:
        """Return the query strategies of a recipe, as the learner and so the results call them."""
        found = self._chosen(each for each in self.strategies if each != OWN)
        if OWN in self.strategies:
            found += (self._on_learner(recipe.query_strategy),)
        return tuple(dict.fromkeys(found))

    def audit_shares_of(self, recipe: Recipe, asked: QueryStrategy) -> tuple[float, ...]:
        """Return with which shares of audits a query strategy asks.

        Without any where they help nothing: Adam's heads get no estimate, and random picks are like
        the rest of the pool by themselves.
        """
        is_random = asked.acquisition_function is AcquisitionFunction.RANDOM
        if is_random or isinstance(recipe.head_recipe, AdamRecipe):
            return (0.0,)
        return self.audit_shares

    def _chosen(self, names: Iterable[str]) -> tuple[QueryStrategy, ...]:
        """Return the strategies of some names or, without any strategies, the product."""
        if self.strategies:
            return tuple(self._on_learner(strategy_named(name)) for name in names)
        return tuple(
            self._on_learner(QueryStrategy(function, rule))
            for function in self.acquisition_functions
            for rule in self.selection_rules
        )

    def _on_learner(self, strategy: QueryStrategy) -> QueryStrategy:
        """Return what the learner calls a strategy whose margin may be one of logits."""
        is_margin = strategy.acquisition_function is AcquisitionFunction.SMALLEST_MARGIN
        if is_margin and self.margin_on is MarginOn.LOGITS:
            return replace(strategy, acquisition_function=AcquisitionFunction.MARGIN_LOGITS)
        return strategy

    def query_strategy(self, function: AcquisitionFunction, rule: SelectionRule) -> QueryStrategy:
        """Return how the learner is to pick."""
        is_uniform = self.class_aware_random is ClassAwareRandom.UNIFORM
        if function is AcquisitionFunction.RANDOM and is_uniform:
            rule = SelectionRule.CLASS_AGNOSTIC
        return QueryStrategy(function, rule)

    def labels_a_round(self, rule: SelectionRule, class_count: int) -> int:
        """Return how many labels a round asks for."""
        is_aware = rule is SelectionRule.CLASS_AWARE
        of_rule = self.class_aware_batch if is_aware else self.class_agnostic_batch
        return self.batch_size or of_rule or class_count

    def round_count(self, rule: SelectionRule, class_count: int, seed_labels: int) -> int:
        """Return how many rounds a run has, if its pool is not exhausted before.

        Args:
            rule: by which it asks.
            class_count: of the task.
            seed_labels: per class.
        """
        if not self.labels:
            return self.rounds
        asked = self.labels - seed_labels * class_count
        by_labels = ceil(asked / self.labels_a_round(rule, class_count))
        return min(by_labels, self.rounds) if self.rounds else by_labels

    def _check_counts(self) -> None:
        for key in ("seeds", "batches_at_once"):
            if getattr(self, key) < 1:
                raise ExperimentError(f"{key} is {getattr(self, key)}; give at least 1")
        for key in ("labels", "batch_size"):
            if getattr(self, key) < 0:
                raise ExperimentError(f"{key} is {getattr(self, key)}; give 0 or more")
        if self.seed_labels < OWN_SEED_LABELS:
            raise ExperimentError(
                f"seed_labels is {self.seed_labels}; give 0 or more, or {OWN_SEED_LABELS} for what"
                " each recipe has"
            )
        if self.rounds < (0 if self.labels else 1):
            raise ExperimentError(f"rounds is {self.rounds}; give at least 1, or labels")
        for key in ("class_aware_batch", "class_agnostic_batch"):
            if getattr(self, key) < 0:
                raise ExperimentError(
                    f"{key} is {getattr(self, key)}; give 0 for one per class, or more"
                )

    def _check_not_absurd(self) -> None:
        for key, most in _MOST.items():
            if getattr(self, key) > most:
                raise ExperimentError(f"{key} is {getattr(self, key):,}; give at most {most:,}")

    def _check_parts(self) -> None:
        for share in self.audit_shares:
            if not 0 <= share <= _MAX_AUDIT_SHARE:
                raise ExperimentError(f"audit_shares has {share:g}; give 0 to {_MAX_AUDIT_SHARE:g}")
        if not 0 <= self.max_expected_error <= 1:
            raise ExperimentError(f"max_expected_error is {self.max_expected_error:g}; give 0 to 1")

    def _check_own(self) -> None:
        if not self.recipes and OWN in self.strategies:
            raise ExperimentError(f"strategies has {OWN!r}, but there are no recipes; give some")
        if not self.recipes and self.seed_labels == OWN_SEED_LABELS:
            raise ExperimentError(
                f"seed_labels is {self.seed_labels}, what each recipe has, but there are none; give"
                " recipes"
            )

    @staticmethod
    def _check_distinct(key: str, values: tuple[object, ...]) -> None:
        for place, value in enumerate(values):
            if value in values[:place]:
                shown = value.value if isinstance(value, Enum) else value
                raise ExperimentError(f"{key} has {shown!r} twice; give it once")

    @staticmethod
    def _check_names(key: str, names: list[str]) -> None:
        for name in names:
            if names.count(name) > 1:
                raise ExperimentError(
                    f"{key} has two that the results would call {name!r}; rename a file or folder"
                )
