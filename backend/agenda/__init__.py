"""What a patient has ahead: the pure calendar, the facts it is computed from, and the acts that change them."""
