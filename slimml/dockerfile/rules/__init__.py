"""One module a rule: what it sees in a Dockerfile, the edit, the bytes, the risk and the words for a person."""
