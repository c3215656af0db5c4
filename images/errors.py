"""What keeps an image from being built: said once, with what is missing."""


class ImageError(Exception):
    """An image was not built; says what was found, what was expected and what to do."""
