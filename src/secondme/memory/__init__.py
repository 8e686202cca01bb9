"""What is known: read out of messages and imported chats, kept in the graph, and told to whom may hear it."""
