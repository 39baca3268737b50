"""The command line: reads arguments, joins the rooms, prints."""
