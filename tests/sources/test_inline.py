"""A Dockerfile that a definition carries itself."""

from planner.digest.key import keys_of
from planner.model.image import Family, Image, ImageName, Span
from planner.sources.load import load
from tests.memory import MemoryTree


def keys(inline: str, tree: MemoryTree) -> str:
    place = Span(file="compose.yaml", line=3)
    image = Image(name=ImageName("app"), span=place, dockerfile="compose.yaml#app", inline=inline)
    return keys_of(load(Family(file="compose.yaml", images=(image,)), tree), tree).keys[ImageName("app")]


def test_an_inline_dockerfile_is_read_from_its_image() -> None:
    tree = MemoryTree({"a.txt": "a", "b.txt": "b"})
    one = keys("FROM scratch\nCOPY a.txt /\n", tree)
    assert one == keys("FROM scratch\n# why\nCOPY a.txt /\n", tree)
    assert one != keys("FROM scratch\nCOPY b.txt /\n", tree)
    assert one == keys("FROM scratch\nCOPY a.txt /\n", MemoryTree({"a.txt": "a"}))


def test_a_file_in_the_place_of_an_inline_dockerfile_is_not_read() -> None:
    tree = MemoryTree({"a.txt": "a", "compose.yaml#app": "FROM nothing", "compose.yaml#app.dockerignore": "a.txt"})
    text = "FROM scratch\nCOPY a.txt /\n"
    assert keys(text, tree) == keys(text, MemoryTree({"a.txt": "a"}))
