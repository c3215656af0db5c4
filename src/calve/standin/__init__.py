"""Stand-ins that a laptop runs in place of the real services; production never imports them."""
