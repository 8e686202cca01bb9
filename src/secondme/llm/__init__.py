"""Minds: who drafts a reply. One file a wire format, and what wraps a mind is a mind."""

# Off in tests: a mind then asks nobody but this machine. Checked before every request.
wire_open = True
