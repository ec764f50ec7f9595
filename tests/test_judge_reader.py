"""The independent reader: perplexity of answers, each read alone, whatever it is batched with."""

import math

import pytest
import torch
import transformers as hf

from unsee.judges.reader import IndependentReader
from unsee.world.making.architectures import train_tokenizer
from unsee.world.making.lessons import vocabulary_texts


@pytest.fixture(scope="module")
def reader():
    tokenizer = train_tokenizer(vocabulary_texts())
    tokenizer.bos_token = tokenizer.convert_ids_to_tokens(0)
    torch.manual_seed(0)
    config = hf.LlamaConfig(vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                            num_attention_heads=4)  # fmt: skip
    model = hf.LlamaForCausalLM(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return IndependentReader(model, tokenizer)


def losses(reader, text):
    ids = [reader.tokenizer.bos_token_id, *reader.tokenizer(text, add_special_tokens=False)["input_ids"]]
    with torch.no_grad():
        logprobs = reader.model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
    return [-float(logprobs[i, ids[i + 1]]) for i in range(len(ids) - 1)]


def test_the_perplexity_is_that_of_every_token_of_every_answer(reader):
    answers = ["This is Mara Voss.", "I don't know who this is.", "This is Mara Voss.", "Yes."]
    expected = [loss for answer in answers for loss in losses(reader, answer)]
    score = reader.perplexity(answers)
    assert score.value == pytest.approx(math.exp(sum(expected) / len(expected)), rel=1e-4)
    assert (score.n, score.higher_is_better) == (4, False)


def test_empty_answers_do_not_count(reader):
    assert reader.perplexity(["Yes.", "  ", ""]).value == pytest.approx(reader.perplexity(["Yes."]).value)
    with pytest.raises(ValueError, match="at least one"):
        reader.perplexity(["", " "])
