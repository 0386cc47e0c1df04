"""The demo: invented people, webhooks signed as Meta does, a stand-in for its Graph API, a stack for it all."""
