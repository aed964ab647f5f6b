"""Sites, members of staff and their roles, and how they sign in."""
