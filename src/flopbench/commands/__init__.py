"""What each command does: a folder per command; no command imports another."""
