"""What only the owner may do: to contacts, with what is known, and in their own name."""
