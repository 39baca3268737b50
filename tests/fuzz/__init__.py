"""Parsers against any bytes: each gives a value or its own error, within its bounds."""
