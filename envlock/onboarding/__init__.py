"""An old project -> the fewest environments in which its models load, made and verified."""
