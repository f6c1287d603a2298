"""What is chosen for a machine; the choice is pure, and was not run on a GPU here."""

import pytest

from tools.contract import Inputs
from tools.finetune.plan import plan
from tools.finetune.spec import FinetuneParameters
from tools.training import machine
from tools.training.machine import Fit, Gpu, Load, fit, read
from tools.training.trainers import fitted

GIB = 2**30
LARGE, MEDIUM = Gpu(80 * GIB, bf16=True), Gpu(40 * GIB, bf16=True)
SMALL, OLD = Gpu(16 * GIB, bf16=True), Gpu(16 * GIB, bf16=False)


def lora(weights: int, **more: object) -> Load:
    return Load(**{"weights": weights, "trained": weights // 20, "rows": 16, "tokens": 1024, **more})


def test_a_cpu_computes_in_32_bit_and_divides_nothing() -> None:
    assert fit(lora(7_000_000_000), None) == Fit()
    assert fitted(lora(1_000_000), None) == {
        "activation_checkpointing": False,
        "per_device_train_batch_size": 16,
        "gradient_accumulation_steps": 1,
    }


def test_what_fits_is_left_alone() -> None:
    found = fit(lora(100_000_000), LARGE)
    assert (found.bf16, found.recompute, found.parts, found.fits) == (True, False, 1, True)
    assert found.memory < 0.9 * LARGE.memory


def test_activations_are_recomputed_before_a_step_is_divided() -> None:
    recomputed = fit(lora(3_000_000_000), MEDIUM)
    assert (recomputed.recompute, recomputed.parts) == (True, 1)
    divided = fit(lora(3_000_000_000, rows=64), Gpu(28 * GIB, bf16=True))
    assert divided.recompute and divided.fits and divided.parts > 1 and 64 % divided.parts == 0
    assert fitted(lora(3_000_000_000, rows=64), Gpu(28 * GIB, bf16=True)) == {
        "activation_checkpointing": True,
        "per_device_train_batch_size": 64 // divided.parts,
        "gradient_accumulation_steps": divided.parts,
    }


def test_every_weight_takes_sixteen_bytes_and_four_bits_save_most_of_the_frozen_ones() -> None:
    """Rajbhandari et al. 2019; Dettmers et al. 2023 tuned 7 billion weights on one GPU of 24 GB, and 65 on 48 GB."""
    whole = Load(weights=1_000_000_000, trained=1_000_000_000, rows=1, tokens=1)
    assert fit(whole, LARGE).memory == pytest.approx(16e9, rel=0.01)
    assert not fit(lora(7_000_000_000), SMALL).fits
    assert fit(lora(7_000_000_000, trained=40_000_000, four_bits=True), SMALL).fits


def test_an_old_gpu_has_no_bf16_and_holds_activations_twice_as_wide() -> None:
    new, old = fit(lora(100_000_000), SMALL), fit(lora(100_000_000), OLD)
    assert new.bf16 and not old.bf16
    assert fit(lora(100_000_000, rows=1), OLD).memory > fit(lora(100_000_000, rows=1), SMALL).memory


def test_a_prefix_is_never_recomputed() -> None:
    found = fit(lora(3_000_000_000, recomputes=False), MEDIUM)
    assert not found.recompute and found.parts > 1


def test_the_plan_says_it_in_sentences() -> None:
    said = list(machine.steps(lora(3_000_000_000, rows=64), Gpu(28 * GIB, bf16=True)))
    assert said[0].startswith("Compute in bf16 on the GPU found, with about ") and "of its 30.1 GB" in said[0]
    assert "gradient checkpointing" in said[1] and "parts (gradient accumulation)" in said[2]
    assert list(machine.steps(lora(3_000_000_000), None)) == []
    assert "use method=qlora" in next(machine.warnings(lora(70_000_000_000), SMALL))
    assert list(machine.warnings(lora(1_000_000), SMALL)) == []


def test_a_tuning_is_planned_for_the_gpu_that_is_found_if_any() -> None:
    said = " ".join(plan(FinetuneParameters(data="tickets"), Inputs()).steps)
    assert ("GPU found" in said) is (machine.find_gpu() is not None)


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("81559, 9.0\n81559, 9.0\n", Gpu(81559 * 2**20, bf16=True)),
        ("15360, 7.5\n", Gpu(15360 * 2**20, bf16=False)),
        ("[N/A], [N/A]\n", None),
        ("", None),
        ("No devices were found\n", None),
    ],
)
def test_what_the_driver_tells_is_read(told: str, found: Gpu | None) -> None:
    assert read(told) == found
