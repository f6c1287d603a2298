"""Which settings are tried, and how a plan says it."""

from tools.finetune.settings import for_encoder, for_generator, told, tried, varying
from tools.finetune.spec import FinetuneParameters


def parameters(**given: object) -> FinetuneParameters:
    return FinetuneParameters.model_validate({"data": "any", **given})


def test_a_probe_is_of_learning_rates_alone() -> None:
    params = parameters(probe=True)
    settings = for_encoder(params, 6400)
    assert varying(settings) == ("lr",)
    assert settings[0].lr == 1e-3  # the usual one comes first
    assert not any(one.tries for one in settings)
    assert tried(params, settings) == (
        "Try the learning rates 0.001, 0.00033, 0.003, 0.0001 in short runs, and go on with the best."
    )


def test_a_search_tries_an_encoder_for_longer_too_unless_it_was_said_how_long() -> None:
    params = parameters(search=15)
    settings = for_encoder(params, 6400)
    assert {one.epochs for one in settings} == {3.0, 6.0}
    assert tried(params, settings).startswith("Try 8 settings in short runs for up to 15 minutes, and go on with")
    assert tried(params, settings).endswith("0.0001, each for 3 or 6 passes.")
    assert varying(for_encoder(parameters(search=15, steps=30), 6400)) == ("lr",)
    assert told(settings[0], varying(settings)) == "learning rate 0.001, 3 passes"


def test_a_search_tries_adapters_of_two_ranks() -> None:
    params = parameters(search=2)
    settings = for_generator(params, 1_000_000)
    assert {one.rank for one in settings} == {8, 32}
    assert tried(params, settings).endswith("each with rank 8 or 32.")
    full = parameters(search=2, method="full")
    assert tried(full, for_generator(full, 1_000_000)).endswith("0.001, 0.00033, 0.003, 0.0001.")
