"""Commands that ask the Graph API, on a real local stack with a stand-in for that."""
