"""Pages for people: what was published, and what the datasets mean."""
