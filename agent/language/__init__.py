"""The person's language: which one it is, and what Odyssey says in it."""
