"""The folder of a command that can be stopped and goes on: its lock, its journal and its files."""
