"""What somebody lives through who writes to an account: over HTTP, against networks in processes of their own."""
