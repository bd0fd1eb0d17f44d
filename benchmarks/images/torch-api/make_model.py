"""Make the classifier: words of the licences that every Debian has, a small BERT with weights from a seed.

Every build makes the same bytes. The trainers of `tokenizers` do not: they walk hash tables, whose order is random, so
that two vocabularies learnt from the same text have other pieces, in another order.
"""

import sys
from collections import Counter
from pathlib import Path

import torch
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast


def vocabulary(texts: list[Path], size: int) -> list[str]:
    """The characters of the texts, alone and inside words, and then the most frequent words, `size` pieces in all."""
    normalizer, parts = BertNormalizer(lowercase=True), BertPreTokenizer()
    counts: Counter[str] = Counter()
    for path in texts:
        normal = normalizer.normalize_str(path.read_text("utf-8", "replace"))
        counts.update(word for word, _ in parts.pre_tokenize_str(normal))
    characters = sorted({char for word in counts for char in word})
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{char}" for char in characters)]
    words = sorted((word for word in counts if len(word) > 1), key=lambda word: (-counts[word], word))
    return (pieces + words)[:size]


def main(directory: str) -> None:
    """Write tokenizer and model into `directory`, the weights in both formats that people keep."""
    Path(directory).mkdir(parents=True, exist_ok=True)
    texts = sorted(path for path in Path("/usr/share/common-licenses").iterdir() if path.is_file())
    Path(directory, "vocab.txt").write_text("".join(f"{piece}\n" for piece in vocabulary(texts, 4000)), "utf-8")
    tokenizer = BertTokenizerFast(f"{directory}/vocab.txt", do_lower_case=True)
    tokenizer.save_pretrained(directory)
    torch.manual_seed(5)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        num_hidden_layers=6,
        num_attention_heads=8,
        intermediate_size=1024,
        num_labels=3,
        id2label={0: "permissive", 1: "copyleft", 2: "other"},
        label2id={"permissive": 0, "copyleft": 1, "other": 2},
    )
    model = BertForSequenceClassification(config).eval()
    model.save_pretrained(directory, safe_serialization=True)
    torch.save(model.state_dict(), f"{directory}/pytorch_model.bin")


if __name__ == "__main__":
    main(sys.argv[1])
