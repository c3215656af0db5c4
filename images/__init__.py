"""calve's images: what goes into each, its tag, how it is built, and the list of what it really holds."""
