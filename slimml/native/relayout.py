"""Lays an ELF file out anew: every virtual address stays, bytes that nothing needs leave the file.

`relayout(source: Path, target: Path, edit: Edit = UNEDITED, *, drop_symbols: bool = True) -> Outcome`
"""
