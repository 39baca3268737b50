"""The page of `planner graph --format html`: its document, its parts (HTML, CSS, JavaScript) and their assembly."""
