"""What is inside an image: the file table, the merged root, who owns each file, what each file is."""
