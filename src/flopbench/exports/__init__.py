"""Laws to take along: closed forms as data, and as code that needs no flopbench."""
