"""Make the classifier: a tokenizer learnt from the licences every Debian has, a small BERT with weights from a seed."""

import sys
from pathlib import Path

import torch
from tokenizers import BertWordPieceTokenizer
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast


def main(directory: str) -> None:
    """Write tokenizer and model into `directory`, the weights in both formats that people keep."""
    Path(directory).mkdir(parents=True, exist_ok=True)
    texts = sorted(str(path) for path in Path("/usr/share/common-licenses").iterdir() if path.is_file())
    learnt = BertWordPieceTokenizer(lowercase=True)
    learnt.train(texts, vocab_size=4000, show_progress=False)
    learnt.save_model(directory)
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
