"""Layers that can be read file by file: eStargz and zstd:chunked, written, read and checked."""
