"""What things are: names, images, graphs. Knows no file and no tool."""
