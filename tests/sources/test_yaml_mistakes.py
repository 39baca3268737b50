"""What a mistake in a YAML file repeats of it."""

from __future__ import annotations

import pytest

from planner.errors import DefinitionError
from planner.sources import pool_file

KEY = "-----BEGIN PRIVATE KEY-----\n" + "S3CR3T" * 10 + "\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("text", [KEY, "version: 1\nbuilders: " + "S3CR3T" * 10, "S3CR3T" * 100])
def test_a_key_in_the_place_of_a_file_is_not_repeated(text: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        pool_file.read(text.encode(), "pool.yaml")
    assert "must be a mapping of names to values, not a text" in str(caught.value)
    assert all("S3CR3T" not in mistake.what for mistake in caught.value.mistakes)
    assert text == KEY or len(str(caught.value)) < 400
