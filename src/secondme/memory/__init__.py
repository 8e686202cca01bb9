"""What is known: imported chats, the owner's voice, and who may hear it."""
