"""One message's journey, readable from top to bottom. journey.py is the table of contents."""
