"""Minds: who drafts a reply. One file a wire format, and what wraps a mind is a mind."""
