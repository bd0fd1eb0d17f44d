"""JSON documents that belong to models: tokenizers (Hugging Face), indexes of shards, spaCy's `meta.json`."""

from __future__ import annotations

from typing import Any, Final

from slimml.models.content import Content, Unreadable
from slimml.models.formats.safetensors_file import is_index, parse_json, read_index
from slimml.models.model_file import Format, ModelFile

_MOST_BYTES: Final = 64 << 20
_MARKS: Final = {
    b'"weight_map"': Format.SAFETENSORS_INDEX,
    b'"added_tokens"': Format.TOKENIZER,
    b'"spacy_version"': Format.SPACY,
}


def kind_of(head: bytes) -> Format | None:
    """What a JSON document that begins so may be."""
    return next((kind for mark, kind in _MARKS.items() if mark in head), None)


def read_document(content: Content) -> ModelFile | None:
    """What a JSON document says, None where it is not a model's; raises Unreadable."""
    if content.size > _MOST_BYTES:
        raise Unreadable(f"a document of {content.size:,} bytes, more than {_MOST_BYTES:,}")
    document = parse_json(content.at(0, content.size))
    if not isinstance(document, dict):
        return None
    if is_index(document):
        return read_index(content)
    if isinstance(document.get("model"), dict) and isinstance(document.get("added_tokens"), list):
        return _tokenizer(content, document)
    if isinstance(document.get("spacy_version"), str) and isinstance(document.get("lang"), str):
        return _spacy(content, document)
    return None


def _tokenizer(content: Content, document: dict[str, Any]) -> ModelFile:
    model = document["model"]
    vocabulary = model.get("vocab")
    count = len(vocabulary) if isinstance(vocabulary, dict | list) else 0
    kind = str(model.get("type") or "of no named type")[:40]
    added = len(document["added_tokens"])
    return ModelFile(
        Format.TOKENIZER, content.size, remarks=(f"{kind}, {count:,} words in its vocabulary, {added:,} added",)
    )


def _spacy(content: Content, document: dict[str, Any]) -> ModelFile:
    pipeline = document.get("pipeline")
    names = [str(name)[:40] for name in pipeline[:20]] if isinstance(pipeline, list) else []
    told = f"{str(document['lang'])[:20]} {str(document.get('name'))[:60]} {str(document.get('version'))[:20]}"
    return ModelFile(Format.SPACY, content.size, remarks=(told, f"pipeline: {', '.join(names) or 'empty'}"))
