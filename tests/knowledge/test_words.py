import pytest

from knowledge.words import content_terms, language_of, stem, terms


@pytest.mark.parametrize(
    "forms",
    [
        "tune tuning tuned tunes",
        "quantize quantization quantized quantise quantisation quantising",
        "evaluate evaluation evaluating evaluated",
        "align alignment aligned",
        "distil distillation distilled",
        "decode decoder decoding",
        "approve approval approved",
        "licence license licences",
        "latency latencies",
    ],
)
def test_forms_of_a_word_fall_together(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


def test_compounds_are_one_however_they_are_written() -> None:
    assert terms("fine-tuning") == terms("finetuning") == terms("fine tuning")
    assert terms("pre-training") == terms("pretraining")


def test_function_words_carry_no_content_and_chinese_is_read_in_pairs() -> None:
    assert content_terms("What is the model's size?") == ["model", "siz"]
    assert terms("量化模型") == ["量化", "化模", "模型"]


@pytest.mark.parametrize(
    ("text", "language"),
    [("What is LoRA?", "en"), ("什么是LoRA？", "zh"), ("LoRA的秩应该选多少", "zh"), ("", "en"), ("🙂 42", "en")],
)
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language
