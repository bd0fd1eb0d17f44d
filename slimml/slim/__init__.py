"""Making images smaller: the plan, the rewriting of layers, the ledger of what went, and the way back."""
