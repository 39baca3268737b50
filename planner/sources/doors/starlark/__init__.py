"""The Starlark door: `images.star` files, what they load, and the records that their calls make."""
