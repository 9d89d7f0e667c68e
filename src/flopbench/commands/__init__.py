"""What each command does: a folder per command, none of which knows another."""
