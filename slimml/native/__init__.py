"""Surgery on ELF files and CUDA fat binaries: smaller files that load as before."""
