"""Dockerfiles: a lossless syntax, the shell inside RUN, what each stage installs, copies and needs, and edits."""
