"""Reading and writing tar streams entry by entry, with limits against hostile input."""
