"""Plans and graphs as text, JSON and drawings for people and programs."""
