"""An HTTP API that classifies text with transformers on a CPU."""

import torch
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer

app = FastAPI(title="licences")
torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained("model")
model = AutoModelForSequenceClassification.from_pretrained("model").eval()


class Question(BaseModel):
    """A text to classify."""

    text: str


@app.get("/health")
def health() -> dict[str, str]:
    """Whether the model is loaded."""
    return {"status": "ok"}


@app.post("/classify")
def classify(question: Question) -> dict[str, float]:
    """The probability of each label, to four digits."""
    tokens = tokenizer(question.text, return_tensors="pt", truncation=True, max_length=256)
    with torch.inference_mode():
        found = torch.softmax(model(**tokens).logits[0], dim=0)
    return {model.config.id2label[place]: round(float(value), 4) for place, value in enumerate(found)}


@app.post("/tokens")
def tokens(question: Question) -> list[str]:
    """The text as the model sees it."""
    return tokenizer.convert_ids_to_tokens(tokenizer(question.text)["input_ids"])
