"""The front doors: the files that may define a family, and which of them do."""
