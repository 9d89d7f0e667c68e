"""Counting a module from the command line: what is counted, and its inputs."""
